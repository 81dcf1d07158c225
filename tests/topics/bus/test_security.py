import ssl
import time
from pathlib import Path

import pytest

from topics.bus.security import Security, security
from topics.errors import SettingsError


def test_without_settings_clients_connect_in_the_clear() -> None:
    assert security({}).librdkafka() == {"security.protocol": "PLAINTEXT"}
    assert security({}).ssl_context() is None


def test_the_environment_goes_before_the_file(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("hush\n")
    settings = tmp_path / "argosy.yaml"
    settings.write_text(
        f"probe: {{}}\nbus:\n  tls: true\n  mechanism: PLAIN\n  username: file\n  password_file: {tmp_path}/secret\n"
    )
    found = security(
        {"ARGOSY_BUS_SETTINGS": str(settings), "ARGOSY_BUS_USERNAME": "variable", "ARGOSY_BUS_CA_FILE": ""}
    )
    assert found.librdkafka() == {
        "security.protocol": "SASL_SSL",
        "ssl.endpoint.identification.algorithm": "https",
        "sasl.mechanisms": "PLAIN",
        "sasl.username": "variable",
        "sasl.password": "hush",
    }


def test_secrets_are_not_shown() -> None:
    found = Security(tls=True, mechanism="PLAIN", username="u", password="hush")  # noqa: S106
    assert "hush" not in repr(found) + str(found) + str(found.model_dump())


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"TLS": "perhaps"}, "ARGOSY_BUS_TLS: .*valid boolean"),
        ({"COLOUR": "red"}, "ARGOSY_BUS_COLOUR: Extra inputs are not permitted"),
        ({"MECHANISM": "MAGIC"}, "ARGOSY_BUS_MECHANISM: .*'SCRAM-SHA-512'"),
        ({"MECHANISM": "SCRAM-SHA-512", "USERNAME": "u"}, "needs username and password_file"),
        ({"MECHANISM": "PLAIN", "USERNAME": "u", "PASSWORD": "p"}, "PLAIN without tls would send its secret"),
        ({"MECHANISM": "OAUTHBEARER", "TLS": "1"}, "needs token_file"),
        ({"PASSWORD": "hush-hush"}, "without mechanism"),
        ({"TLS": "1", "KEY_FILE": "k"}, "belong together"),
        ({"CA_FILE": "ca.pem"}, "certificates without tls"),
    ],
)
def test_settings_that_do_not_fit_are_named_without_their_secrets(variables: dict[str, str], message: str) -> None:
    with pytest.raises(SettingsError, match=message) as raised:
        security({f"ARGOSY_BUS_{name}": value for name, value in variables.items()})
    assert "hush-hush" not in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("bus: {colour: red}", "argosy.yaml: bus.colour: Extra inputs"),
        ("bus: [1]", "argosy.yaml: bus: a block of keys"),
        ("- 1", "argosy.yaml: bus: a block of keys"),
        ("bus: {\n:", "argosy.yaml: no YAML in line"),
        (None, "argosy.yaml: No such file"),
    ],
)
def test_a_file_that_does_not_do_is_named(tmp_path: Path, text: str | None, message: str) -> None:
    path = tmp_path / "argosy.yaml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(SettingsError, match=message):
        security({"ARGOSY_BUS_SETTINGS": str(path)})


def test_a_secret_that_is_not_there_is_named(tmp_path: Path) -> None:
    variables = {"MECHANISM": "SCRAM-SHA-512", "USERNAME": "u", "PASSWORD_FILE": str(tmp_path / "absent")}
    settings = security({f"ARGOSY_BUS_{name}": value for name, value in variables.items()})
    with pytest.raises(SettingsError, match=r"password_file: .*absent: No such file"):
        settings.librdkafka()
    (tmp_path / "absent").touch()
    with pytest.raises(SettingsError, match=r"password_file: .*absent: is empty"):
        settings.librdkafka()


def test_a_token_is_read_again_each_time_and_its_end_found(tmp_path: Path) -> None:
    token = tmp_path / "token"
    settings = Security(tls=True, mechanism="OAUTHBEARER", token_file=token)
    token.write_text("opaque")
    assert settings.token()[0] == "opaque"
    assert settings.token()[1] > time.time()
    token.write_text("eyJhbGciOiJub25lIn0.eyJleHAiOjE3MDAwMDAwMDB9.")
    assert settings.token()[1] == 1_700_000_000.0


def test_certificates_that_do_not_do_are_an_error_of_one_line(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("nothing")
    with pytest.raises(SettingsError, match="certificates cannot be used"):
        Security(tls=True, ca_file=tmp_path / "ca.pem").ssl_context()
    context = Security(tls=True, verify_hostname=False).ssl_context()
    assert context is not None
    assert (context.check_hostname, context.verify_mode) == (False, ssl.CERT_REQUIRED)

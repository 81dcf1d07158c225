import psycopg
import pytest


def test_server_answers_and_keeps_unicode(postgresql_database: str) -> None:
    with psycopg.connect(postgresql_database) as connection:
        assert connection.execute("SELECT upper('ärgo'), current_setting('server_encoding')").fetchone() is not None
        connection.execute("CREATE TABLE ships (name text PRIMARY KEY)")
        connection.execute("INSERT INTO ships VALUES ('Ἀργώ')")
        assert connection.execute("SELECT name FROM ships").fetchone() == ("Ἀργώ",)


def test_each_test_has_an_empty_database(postgresql_database: str) -> None:
    with psycopg.connect(postgresql_database) as connection:
        tables = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone()
    assert tables == (0,)


def test_a_wrong_password_is_refused(postgresql_url: str) -> None:
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(postgresql_url, password="wrong")  # noqa: S106 -- wrong on purpose

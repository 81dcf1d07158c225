"""The chart: what Helm makes of it are objects of Kubernetes, as confined as they should be."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from probes.settings import Settings
from tests.deploy.chart import CHART, INSTALL, helm, rendered, run
from tests.deploy.kubernetes_schemas import check
from topics.bus.rights import ROLES
from topics.definitions import TOPICS

HERE = Path(__file__).parent
PLAIN = ("--set", "kafka.bootstrap=kafka:9092")
WHOLE = ("-f", str(HERE / "values-whole.yaml"))
VARIANTS = {
    "plain": PLAIN,
    "whole": WHOLE,
    "whole, not scaled": (*WHOLE, "--set", "autoscaling.enabled=false,topics.acl=false"),
    "probes alone": (*PLAIN, "--set", "worker.enabled=false,names.enabled=false,alerts.enabled=false"),
    "no probes": (*PLAIN, "--set", "probe.enabled=false,network.policies=false"),
    "a long name": WHOLE,
}  # fmt: skip
LONG = "a-release-with-quite-a-long-name-indeed-for-once"
KUBERNETES = ("1.27", "1.33")
FOREIGN = {"ScaledObject", "TriggerAuthentication", "PodMonitor"}  # of KEDA and the Prometheus operator
WORKLOADS = {"Deployment", "DaemonSet", "Job"}

pytestmark = pytest.mark.skipif(helm() is None, reason=f"there is no helm here; fetch it with: {INSTALL}")


@cache
def objects(variant: str) -> tuple[dict[str, Any], ...]:
    return tuple(rendered(LONG if variant == "a long name" else "audit", *VARIANTS[variant]))


def workloads(variant: str) -> list[dict[str, Any]]:
    return [found for found in objects(variant) if found["kind"] in WORKLOADS]


def pod(workload: dict[str, Any]) -> dict[str, Any]:
    spec: dict[str, Any] = workload["spec"]["template"]["spec"]
    return spec


def role(found: dict[str, Any]) -> str:
    return str(found["metadata"]["labels"]["app.kubernetes.io/component"])


def containers(workload: dict[str, Any]) -> list[dict[str, Any]]:
    return [*pod(workload).get("initContainers", []), *pod(workload)["containers"]]


every_variant = pytest.mark.parametrize("variant", VARIANTS)


@pytest.mark.parametrize("values", [PLAIN, WHOLE], ids=["plain", "whole"])
def test_helm_finds_nothing_wrong(values: tuple[str, ...]) -> None:
    done = run("lint", "--strict", str(CHART), *values)
    assert done.returncode == 0, done.stdout + done.stderr


@every_variant
@pytest.mark.parametrize("version", KUBERNETES)
def test_objects_are_as_kubernetes_has_them(variant: str, version: str) -> None:
    checked = 0
    for found in objects(variant):
        if found["kind"] not in FOREIGN:
            check(found, version)
            checked += 1
    assert checked >= 3


@every_variant
def test_names_are_one_object_each_and_short_enough(variant: str) -> None:
    names = [(found["kind"], found["metadata"]["name"]) for found in objects(variant)]
    assert len(names) == len(set(names))
    assert all(len(name) <= 63 for _, name in names)


@every_variant
def test_pods_are_restricted_but_the_probe(variant: str) -> None:
    for workload in workloads(variant):
        spec, probe = pod(workload), role(workload) == "probe"
        assert spec["automountServiceAccountToken"] is False
        assert spec["enableServiceLinks"] is False
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert spec.get("hostNetwork", False) is probe
        assert not spec.get("hostPID")
        assert not spec.get("hostIPC")
        host_paths = [volume["name"] for volume in spec["volumes"] if "hostPath" in volume]
        assert host_paths == (["spool"] if probe else [])
        assert probe or spec["securityContext"]["runAsNonRoot"]
        for container in containers(workload):
            confined = container["securityContext"]
            assert confined["allowPrivilegeEscalation"] is False
            assert confined["readOnlyRootFilesystem"] is True
            assert not confined.get("privileged")
            assert confined["capabilities"] == ({"drop": ["ALL"]} | ({"add": ["NET_RAW"]} if probe else {}))
            assert probe or "runAsUser" not in confined
            assert all("hostPort" not in port or probe for port in container.get("ports", []))


@every_variant
def test_every_container_says_what_it_takes_and_services_how_they_are(variant: str) -> None:
    for workload in workloads(variant):
        for container in containers(workload):
            for amount in ("requests", "limits"):
                assert {"cpu", "memory"} <= set(container["resources"][amount])
            if workload["kind"] != "Job":
                paths = {kind: container[f"{kind}Probe"]["httpGet"]["path"] for kind in ("liveness", "readiness")}
                assert paths == {"liveness": "/healthz", "readiness": "/readyz"}


@every_variant
def test_selectors_find_their_pods_and_no_others(variant: str) -> None:
    pods = {role(found): found["spec"]["template"]["metadata"]["labels"] for found in workloads(variant)}
    for found in objects(variant):
        if found["kind"] in WORKLOADS - {"Job"} or found["kind"] == "PodDisruptionBudget":
            wanted = found["spec"]["selector"]["matchLabels"].items()
            assert [name for name, labels in pods.items() if wanted <= labels.items()] == [role(found)]


def test_scaling_asks_for_groups_and_topics_that_there_are() -> None:
    deployed = {found["metadata"]["name"]: found for found in workloads("whole")}
    groups = {"worker": "argosy-merge", "names": "argosy-names"}
    scaled = [found for found in objects("whole") if found["kind"] == "ScaledObject"]
    assert {role(found) for found in scaled} == {"worker", "names", "sink-sql", "sink-findings"}
    for found in scaled:
        target = deployed[found["spec"]["scaleTargetRef"]["name"]]
        assert "replicas" not in target["spec"]
        about = found["spec"]["triggers"][0]["metadata"]
        words = containers(target)[0]["args"]
        given = words[words.index("--group") + 1] if "--group" in words else groups[role(found)]
        assert about["consumerGroup"].startswith(given)
        assert about["topic"] in {topic.name for topic in TOPICS}
    for found in objects("whole, not scaled"):
        assert found["kind"] != "ScaledObject"
        assert found["kind"] != "Deployment" or found["spec"]["replicas"] >= 1


def test_the_job_makes_topics_and_gives_each_role_its_rights() -> None:
    (job,) = (found for found in objects("whole") if found["kind"] == "Job")
    lines = [container["args"] for container in containers(job)]
    assert lines[0] == ["topics", "create", "--replication", "3", "--partitions", "12"]
    assert {line[2] for line in lines[1:]} <= set(ROLES)
    assert {line[2] for line in lines[1:]} == {"probe", "worker", "names", "alerts", "sink"}
    assert len(pod(job)["containers"]) == 1
    (job,) = (found for found in objects("plain") if found["kind"] == "Job")
    assert [container["args"][:2] for container in containers(job)] == [["topics", "create"]]


def test_the_settings_of_the_probe_are_settings() -> None:
    for variant in ("plain", "whole"):
        (found,) = (found for found in objects(variant) if found["kind"] == "ConfigMap" and role(found) == "probe")
        settings = Settings(**yaml.safe_load(found["data"]["probe.yaml"]))
        assert settings.outputs[0].is_bus
        assert settings.spool.directory == "/var/spool/argosy"


def test_secrets_are_named_and_never_held() -> None:
    assert not [found for found in objects("whole") if found["kind"] == "Secret"]
    for workload in workloads("whole"):
        for container in containers(workload):
            said = {each["name"]: each for each in container["env"]}
            assert "value" not in said["ARGOSY_BUS_USERNAME"]
            assert said["ARGOSY_BUS_PASSWORD_FILE"]["value"].startswith("/etc/argosy/kafka/")
            assert "value" not in said.get("PGPASSWORD", {})


def test_policies_let_out_what_is_named_and_in_what_asks_for_metrics() -> None:
    policies = {role(found): found["spec"] for found in objects("whole") if found["kind"] == "NetworkPolicy"}
    assert set(policies) == {"network", "sink-sql", "sink-findings", "sink-alerts"}
    everyone = policies["network"]
    assert set(everyone["policyTypes"]) == {"Ingress", "Egress"}
    (entry,) = everyone["ingress"]
    assert [port["port"] for port in entry["ports"]] == [9464]
    assert entry["from"][0]["namespaceSelector"]["matchLabels"] == {"kubernetes.io/metadata.name": "monitoring"}
    assert everyone["egress"][1]["to"] == [{"ipBlock": {"cidr": "10.1.0.0/16"}}]


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ((), "bootstrap"),
        (("--set", "kafka.bootstrap=kafka"), "bootstrap"),
        ((*PLAIN, "--set", "worker.replicas.least=0"), "least"),
        ((*PLAIN, "--set", "wroker.lag=1"), "wroker"),
        ((*PLAIN, "--set", "kafka.mechanism=MAGIC"), "mechanism"),
        ((*PLAIN, "--set", "kafka.mechanism=PLAIN"), "secret"),
        ((*PLAIN, "--set", "sinks.sql.enabled=true"), "say which database"),
        ((*PLAIN, "--set", "sinks.sql.url=postgresql://me:secret@db/d"), "url"),
    ],
)
def test_values_that_cannot_be_are_refused(words: tuple[str, ...], complaint: str) -> None:
    done = run("template", "audit", str(CHART), *words)
    assert done.returncode != 0
    assert complaint in done.stderr

"""The Kubernetes manifests: rendered by kustomize, checked against the schemas, and against each other."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from deploy.run.settings import DeploySettings
from services.all import NAMES
from tests.deploy.commands import accepts
from tests.kit import docker_engine

REPOSITORY = Path(__file__).parents[2]
FOLDER = REPOSITORY / "deploy" / "kubernetes"
VERSIONS = ("1.31", "1.37")  # the oldest and the newest that the manifests are meant for
OF_OPERATORS = {"Cluster", "RabbitmqCluster", "Policy"}  # their schemas come with the operators
SECRETS = {
    "backoffice-migrate": set(),
    "backoffice-gateway": set(),
    **{f"backoffice-{name}": set() for name in NAMES},
    "backoffice-operator": set(),
    "backoffice-files": set(),
    "backoffice-mail": set(),
    "rabbitmq-default-user": {"connection_string"},
    "postgres-app": {"uri"},
}

Resource = dict[str, Any]


@pytest.fixture(scope="module", autouse=True)
def _needs_kubectl() -> None:
    """The manifests are patches laid over each other; only kustomize says what they come to."""
    if shutil.which("kubectl") is None:
        reason = "needs kubectl, whose kustomize puts the manifests together"
        if docker_engine.demanded():
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)


@cache
def rendered(folder: str = "overlays/complete") -> tuple[Resource, ...]:
    answer = subprocess.run(
        ["kubectl", "kustomize", str(FOLDER / folder)], capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, answer.stderr
    return tuple(yaml.safe_load_all(answer.stdout))


def of_kind(*kinds: str) -> dict[str, Resource]:
    return {r["metadata"]["name"]: r for r in rendered() if r["kind"] in kinds}


def pods() -> dict[str, Resource]:
    """The pods of the suite: by the name of who makes them."""
    return {name: r["spec"]["template"] for name, r in of_kind("Deployment", "Job").items()}


def selected(selector: Resource) -> list[str]:
    """The names of those whose pods a selector finds."""
    wanted = selector.get("matchLabels", {})
    found = []
    for name, pod in pods().items():
        labels = pod["metadata"]["labels"]
        listed = all(labels.get(e["key"]) in e["values"] for e in selector.get("matchExpressions", []))
        if wanted.items() <= labels.items() and listed:
            found.append(name)
    return found


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("folder", ["base", "overlays/complete"])
def test_every_resource_fits_its_schema_strictly(folder: str, version: str):
    for resource in rendered(folder):
        if resource["kind"] not in OF_OPERATORS:
            kubernetes_validate.validate(resource, version, strict=True)


def test_a_mistake_would_be_found():
    wrong = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "x"}, "spec": {"prots": []}}

    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, VERSIONS[1], strict=True)


def test_there_is_a_deployment_for_every_role_of_every_service_and_its_command_is_one_of_ours():
    commands = {name: pod["spec"]["containers"][0]["command"] for name, pod in pods().items()}

    for command in commands.values():
        assert command[0] == "backoffice"
        accepts(command[1:])
    assert commands.pop("gateway") == ["backoffice", "gateway"]
    assert commands.pop("migrate") == ["backoffice", "migrate"]
    assert commands == {
        f"{service}-{role}": ["backoffice", "serve", service, "--role", role]
        for service in NAMES
        for role in ("api", "worker")
    }


def test_every_container_is_bounded_and_without_rights():
    for name, pod in pods().items():
        spec, (container,) = pod["spec"], pod["spec"]["containers"]
        assert container["resources"].keys() == {"requests", "limits"}, name
        assert container["resources"]["limits"].keys() == {"cpu", "memory"}, name
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["runAsUser"] == 10001
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert spec["automountServiceAccountToken"] is False
        assert spec["serviceAccountName"] in of_kind("ServiceAccount")


def test_every_deployment_is_probed_spread_and_given_time_to_finish():
    settings = DeploySettings.model_fields
    for name, deployment in of_kind("Deployment").items():
        spec = deployment["spec"]["template"]["spec"]
        (container,) = spec["containers"]
        ports = {port["name"] for port in container["ports"]}
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            assert container[probe]["httpGet"]["port"] in ports
        assert container["livenessProbe"]["httpGet"]["path"] == "/livez", "liveness asks no dependency"
        ready = "/readyz?only=self" if name == "gateway" else "/readyz"
        assert container["readinessProbe"]["httpGet"]["path"] == ready
        startup = container["startupProbe"]
        patience = startup["periodSeconds"] * startup["failureThreshold"]
        assert patience > settings["boot_seconds"].default + settings["upstream_start_seconds"].default
        assert len(spec["topologySpreadConstraints"]) == 2
        literals = configured(container)
        finishing = 4 * float(literals["BACKOFFICE_SHUTDOWN_SECONDS"]) + float(
            literals["BACKOFFICE_LEAVE_SECONDS"]
        )
        assert spec["terminationGracePeriodSeconds"] > finishing, "requests, consumers, loops, relay"


def configured(container: Resource) -> dict[str, str]:
    """What a container's environment comes to."""
    maps = of_kind("ConfigMap")
    found: dict[str, str] = {}
    for source in container["envFrom"]:
        found |= maps[source["configMapRef"]["name"]]["data"]
    for variable in container.get("env", []):
        named = variable.get("valueFrom", {}).get("configMapKeyRef")
        found[variable["name"]] = maps[named["name"]]["data"][named["key"]] if named else variable["value"]
    return found


def test_every_variable_is_a_setting_and_holds_no_secret():
    known = {f"BACKOFFICE_{name.upper()}" for name in DeploySettings.model_fields} | {
        "BACKOFFICE_SECRETS_DIR"
    }
    for name, pod in pods().items():
        variables = configured(pod["spec"]["containers"][0])
        assert variables.keys() <= known, name
        assert not [value for value in variables.values() if "@" in value]
        mounted = {mount["mountPath"] for mount in pod["spec"]["containers"][0]["volumeMounts"]}
        assert set(variables["BACKOFFICE_SECRETS_DIR"].split(":")) <= mounted


def test_the_gateway_has_a_folder_for_as_many_bytes_of_bodies_as_it_may_keep():
    (folder,) = re.findall(r"BACKOFFICE_SPOOL_DIR=(\S+)", (REPOSITORY / "deploy" / "Dockerfile").read_text())
    pod = pods()["gateway"]["spec"]
    mounted = {mount["mountPath"]: mount["name"] for mount in pod["containers"][0]["volumeMounts"]}
    volumes = {volume["name"]: volume for volume in pod["volumes"]}

    size = volumes[mounted[folder]]["emptyDir"]["sizeLimit"]
    assert int(size.removesuffix("Mi")) * 2**20 > DeploySettings().spool_bytes


def test_the_gateway_knows_every_service_at_a_name_and_port_that_there_are():
    services = of_kind("Service")
    gateway = configured(pods()["gateway"]["spec"]["containers"][0])
    upstreams = DeploySettings(upstreams=gateway["BACKOFFICE_UPSTREAMS"]).upstream_urls()

    for url in (*upstreams.values(), gateway["BACKOFFICE_GATEWAY_URL"]):
        host, _, port = url.removeprefix("http://").partition(":")
        assert int(port) in {p["port"] for p in services[host]["spec"]["ports"]}
    assert upstreams.keys() == set(NAMES)


def test_services_find_pods_that_answer_requests_on_the_port_they_name():
    for name, service in of_kind("Service").items():
        found = selected({"matchLabels": service["spec"]["selector"]})
        assert found == [name]
        ports = {port["name"] for port in pods()[found[0]]["spec"]["containers"][0]["ports"]}
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= ports


def test_budgets_and_autoscalers_belong_to_deployments_that_there_are():
    deployments = of_kind("Deployment")
    budgets = of_kind("PodDisruptionBudget")
    assert budgets.keys() == deployments.keys()
    for name, budget in budgets.items():
        assert selected(budget["spec"]["selector"]) == [name]
    scaled = of_kind("HorizontalPodAutoscaler")
    for name, scaler in scaled.items():
        assert scaler["spec"]["scaleTargetRef"]["name"] == name
        assert scaler["spec"]["minReplicas"] >= 2
        assert "replicas" not in deployments[name]["spec"], "an apply would undo the autoscaler's number"
    for name in deployments.keys() - scaled.keys():
        assert deployments[name]["spec"]["replicas"] >= 2, name


def test_secrets_are_named_and_never_included():
    asked: dict[str, set[str]] = {}
    for pod in pods().values():
        for volume in pod["spec"]["volumes"]:
            for source in volume.get("projected", {}).get("sources", []):
                items = {item["key"] for item in source["secret"].get("items", [])}
                asked.setdefault(source["secret"]["name"], set()).update(items)
            if "secret" in volume:
                items = {item["key"] for item in volume["secret"].get("items", [])}
                asked.setdefault(volume["secret"]["secretName"], set()).update(items)
    guide = (FOLDER / "README.md").read_text()

    assert asked == SECRETS
    assert of_kind("Secret") == {}
    ours = {f"backoffice-{name}" for name in NAMES}
    assert [name for name in SECRETS.keys() - ours if f"`{name}`" not in guide] == []


def test_what_is_a_processs_own_is_mounted_there_alone():
    """The role secret and every keyring are in `backoffice-migrate`; the rest is what was made of them for one."""
    of_everybody = {"rabbitmq-default-user"}
    of_services = {"backoffice-files", "backoffice-mail"}
    mounted = {name: secrets_of(pod) - of_everybody - of_services for name, pod in pods().items()}

    assert mounted.pop("migrate") == {"backoffice-migrate", "postgres-app"}
    assert mounted.pop("gateway") == {"backoffice-gateway", "backoffice-operator"}
    assert mounted == {f"{n}-{role}": {f"backoffice-{n}"} for n in NAMES for role in ("api", "worker")}


def secrets_of(pod: Resource) -> set[str]:
    """The secrets that a pod mounts."""
    found = set()
    for volume in pod["spec"]["volumes"]:
        found |= {source["secret"]["name"] for source in volume.get("projected", {}).get("sources", [])}
        found |= {volume["secret"]["secretName"]} if "secret" in volume else set()
    return found


def rules(direction: str) -> Iterator[tuple[str, Resource, list[Any]]]:
    """Whom each network policy lets talk: (pod's maker, peer, ports)."""
    for policy in of_kind("NetworkPolicy").values():
        for rule in policy["spec"].get(direction, []):
            for peer in rule["from" if direction == "ingress" else "to"]:
                for name in selected(policy["spec"]["podSelector"]):
                    yield name, peer, [port["port"] for port in rule["ports"]]


def test_nothing_talks_unless_a_policy_says_so():
    closed = of_kind("NetworkPolicy")["nothing-by-default"]["spec"]
    assert set(selected(closed["podSelector"])) == set(pods())
    assert set(closed["policyTypes"]) == {"Ingress", "Egress"}
    assert "ingress" not in closed
    assert "egress" not in closed

    takes = {
        (caller, name)
        for name, peer, _ in rules("ingress")
        if "namespaceSelector" not in peer
        for caller in selected(peer["podSelector"])
    }
    services = {f"{service}-{role}" for service in NAMES for role in ("api", "worker")}
    assert takes == {("gateway", s) for s in services} | {(s, "gateway") for s in services}
    calls = {
        (name, callee)
        for name, peer, _ in rules("egress")
        if "podSelector" in peer and "namespaceSelector" not in peer
        for callee in selected(peer["podSelector"])
    }
    apis = {f"{service}-api" for service in NAMES}
    assert {("gateway", api) for api in apis} | {(api, "gateway") for api in apis} <= calls
    assert calls <= takes, "what may be called must be let in, too"


def test_every_process_reaches_database_broker_and_names_and_those_let_it_in():
    stores = {5432: {"cnpg.io/cluster": "postgres"}, 5672: {"app.kubernetes.io/name": "rabbitmq"}}
    for port, labels in stores.items():
        reached = {
            name
            for name, peer, ports in rules("egress")
            if port in ports and peer.get("podSelector", {}).get("matchLabels") == labels
        }
        assert reached == set(pods()), port
        (door,) = (
            policy["spec"]
            for policy in of_kind("NetworkPolicy").values()
            if policy["spec"]["podSelector"].get("matchLabels") == labels
        )
        let_in = [
            peer
            for rule in door["ingress"]
            for peer in rule["from"]
            if {"port": port, "protocol": "TCP"} in rule["ports"]
        ]
        assert {"podSelector": {"matchLabels": {"app.kubernetes.io/part-of": "backoffice"}}} in let_in
    assert {name for name, _, ports in rules("egress") if 53 in ports} == set(pods())


def test_files_are_reached_by_those_who_keep_them_and_their_keys_reach_nobody_else():
    services = {f"{service}-{role}" for service in NAMES for role in ("api", "worker")}
    keep = {
        n for n, pod in pods().items() if "BACKOFFICE_BLOBS_URL" in configured(pod["spec"]["containers"][0])
    }
    keys = {
        n for n, pod in pods().items() if "files" in {volume["name"] for volume in pod["spec"]["volumes"]}
    }

    assert keep == keys == services
    assert {name for name, peer, ports in rules("egress") if "ipBlock" in peer and ports == [443]} == services


def test_names_of_the_operators_resources_are_those_the_suite_looks_for():
    database = of_kind("Cluster")["postgres"]
    maps = [m["data"] for n, m in of_kind("ConfigMap").items() if n.startswith("backoffice-database")]

    assert maps == [{"BACKOFFICE_DATABASE_URL": "postgresql://postgres-rw:5432/backoffice"}]
    assert database["spec"]["bootstrap"]["initdb"]["database"] == "backoffice"
    assert "rabbitmq" in of_kind("RabbitmqCluster")
    assert {p["spec"]["rabbitmqClusterReference"]["name"] for p in of_kind("Policy").values()} == {"rabbitmq"}


def test_the_broker_gets_the_same_policies_as_in_compose():
    wanted = json.loads((REPOSITORY / "deploy/rabbitmq/policies.json").read_text())["policies"]
    shape = {"name": "name", "vhost": "vhost", "pattern": "pattern", "apply-to": "applyTo",
             "priority": "priority", "definition": "definition"}  # fmt: skip

    assert [
        {key: p["spec"][name] for key, name in shape.items()} for p in of_kind("Policy").values()
    ] == wanted


def test_the_ingress_shows_public_paths_only():
    (rule,) = of_kind("Ingress")["gateway"]["spec"]["rules"]
    paths = {path["path"] for path in rule["http"]["paths"]}

    assert paths == {"/v1", "/oauth", "/.well-known", "/docs", "/openapi.json"}
    for path in rule["http"]["paths"]:
        service = of_kind("Service")[path["backend"]["service"]["name"]]
        assert path["backend"]["service"]["port"]["name"] in {p["name"] for p in service["spec"]["ports"]}

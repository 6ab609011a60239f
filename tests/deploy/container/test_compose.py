"""What the Compose file promises, read without an engine."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import REGISTRY

import gateway.door.exchange  # noqa: F401 - registers its metrics
from deploy.cli.generate_deployment import processes
from deploy.run.processes import Role
from services.all import NAMES
from tests.deploy.commands import accepts

REPOSITORY = Path(__file__).parents[3]
DEFINITION = yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = DEFINITION["services"]
ROLES = (Role.API, Role.WORKER)
SMALL = REPOSITORY / "deploy" / "compose" / "small.yml"
JOBS = ("secrets", "migrate")
NOTHING_TO_ASK_WITH = ("otel-collector", "jaeger")  # their images hold one program and no shell


def test_only_loopback_is_published():
    ports = {name: port for name, service in SERVICES.items() for port in service.get("ports", [])}

    assert ports.pop("gateway") == "127.0.0.1:${BACKOFFICE_PORT:-8000}:8000"
    for port in ports.values():
        assert port.startswith("127.0.0.1:"), port
    plain = [n for n, s in SERVICES.items() if s.get("ports") and "profiles" not in s]
    assert plain == ["gateway"], "without a profile the gateway is the only door"


@pytest.mark.parametrize("name", SERVICES)
def test_every_container_is_bounded_and_has_no_more_rights_than_it_needs(name: str):
    service = SERVICES[name]

    limits = service["deploy"]["resources"]["limits"]
    assert {"cpus", "memory", "pids"} <= limits.keys()
    assert float(limits["cpus"]) <= 1, "more than some machine has is refused by its engine"
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert "privileged" not in service
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["read_only"] is True
    assert service["logging"]["options"] == {"max-size": "10m", "max-file": "3"}
    images_own = ("prometheus", "grafana")  # these images name an account that is not root
    assert name == "secrets" or name in images_own or not service["user"].startswith("0")


@pytest.mark.parametrize("name", [name for name in SERVICES if name not in JOBS])
def test_what_keeps_running_is_asked_how_it_is_and_started_again(name: str):
    service = SERVICES[name]

    assert service["restart"] == "unless-stopped"
    assert name in NOTHING_TO_ASK_WITH or service["healthcheck"]["test"][0] == "CMD"


def test_who_depends_on_somebody_waits_for_the_right_thing():
    for name, service in SERVICES.items():
        depends = service.get("depends_on", {})
        assert set(depends) <= SERVICES.keys()
        if "profiles" in service:
            continue
        for needed, how in depends.items():
            wanted = "service_completed_successfully" if needed in JOBS else "service_healthy"
            assert how["condition"] == wanted, (name, needed)


def test_no_secret_is_in_the_file():
    for name, service in SERVICES.items():
        for variable, value in (service.get("environment") or {}).items():
            if re.search(r"SECRET|PASSWORD|TOKEN|KEY|_URL", variable):
                harmless = re.fullmatch(r"\$\{\w+:-\}|/run/secrets/\S+|\w+://[^@]*", str(value))
                assert harmless, (name, variable)


def test_database_and_broker_are_reached_from_inside_only():
    networks = DEFINITION["networks"]
    for name in ("postgres", "rabbitmq"):
        for network in SERVICES[name]["networks"]:
            assert networks[network] == {"internal": True}, (name, network)
    outward = {
        name for name, s in SERVICES.items() if "front" in s.get("networks", []) and "profiles" not in s
    }
    assert outward == {"gateway"}


def test_secrets_are_mounted_only_where_they_are_needed():
    mounted = {
        volume: {
            name
            for name, service in SERVICES.items()
            for mount in service.get("volumes", [])
            if mount.split(":")[0] == volume
        }
        - {"secrets"}
        for volume in DEFINITION["volumes"]
        if volume.endswith("-secrets")
    }

    assert mounted == {
        "database-secrets": {"postgres", "migrate"},
        "broker-secrets": {"rabbitmq"},
        "services-secrets": {"migrate"},
        "sealing-secrets": {"migrate"},
        "operator-secrets": {"gateway"},
        "gateway-secrets": {"gateway"},
    } | {f"{name}-secrets": set(processes([name])) for name in NAMES}


@pytest.mark.parametrize("process", ["migrate", "gateway", *processes(NAMES)])
def test_a_process_reads_its_secrets_from_what_is_mounted_for_it(process: str):
    service = SERVICES[process]
    mounted = {mount.split(":")[1] for mount in service["volumes"]}

    assert set(service["environment"]["BACKOFFICE_SECRETS_DIR"].split(":")) <= mounted
    assert not [name for name in service["environment"] if re.search(r"PASSWORD|ROLE_SECRET|SEAL", name)]


def test_every_command_is_one_that_the_program_has():
    for service in SERVICES.values():
        if service.get("command", [""])[:1] == ["backoffice"]:
            accepts(service["command"][1:])
    serving = {
        name: " ".join(s["command"]) for name, s in SERVICES.items() if "serve" in s.get("command", ())
    }
    assert serving == {
        f"{name}-{role}": f"backoffice serve {name} --role {role}" for name in NAMES for role in ROLES
    }


def test_the_small_shape_is_one_process_that_does_everything_with_what_the_gateway_has():
    """Laid over the file: of what is not named here nothing changes. It seals, so it has the keys; and keeps files."""
    small = yaml.load(SMALL.read_text(), Loader=OverlayLoader)["services"]
    gateway = small.pop("gateway")

    assert small == dict.fromkeys(processes(NAMES))
    assert gateway["command"][:2] == ["backoffice", "up"]
    accepts(gateway["command"][1:])
    assert gateway["depends_on"].keys() == SERVICES["gateway"]["depends_on"].keys() - small.keys()
    assert gateway.keys() == {"command", "environment", "depends_on", "volumes"}
    assert gateway["volumes"] == [
        "services-secrets:/run/secrets/services:ro",
        "sealing-secrets:/run/secrets/sealing:ro",
        "blobs:/var/lib/backoffice/blobs",
    ]
    mounted = {mount.split(":")[1] for mount in (*SERVICES["gateway"]["volumes"], *gateway["volumes"])}
    assert set(gateway["environment"]["BACKOFFICE_SECRETS_DIR"].split(":")) <= mounted


class OverlayLoader(yaml.SafeLoader):
    """Knows what Compose adds to YAML: `!reset` takes away, `!override` replaces."""


OverlayLoader.add_constructor("!reset", lambda *_: None)
OverlayLoader.add_constructor("!override", lambda loader, node: loader.construct_mapping(node, deep=True))


def test_dashboard_and_alerts_ask_for_metrics_that_there_are():
    folder = REPOSITORY / "deploy" / "otel"
    texts = [(folder / name).read_text() for name in ("alerts.yml", "grafana/backoffice.json")]
    asked = {name for text in texts for name in re.findall(r"\bbackoffice_[a-z_]+", text)}
    there = {sample for metric in REGISTRY.collect() for sample in names_of(metric)}

    assert asked - there - {"backoffice_events"} == set()
    assert {"backoffice_outbox_age_seconds", "backoffice_inbox_held"} <= asked


def names_of(metric: Any) -> set[str]:
    """The names under which a metric's samples appear."""
    endings = {"counter": ("_total",), "histogram": ("_bucket", "_count", "_sum"), "gauge": ("",)}
    return {metric.name + ending for ending in endings.get(metric.type, ("",))}


def test_every_alert_says_what_to_do_in_the_operating_guide():
    rules = yaml.safe_load((REPOSITORY / "deploy/otel/alerts.yml").read_text())["groups"][0]["rules"]
    guide = (REPOSITORY / "docs" / "operations.md").read_text()

    assert [rule["alert"] for rule in rules if f"`{rule['alert']}`" not in guide] == []


@pytest.mark.docker(engine=False)
@pytest.mark.parametrize(
    "files", [["docker-compose.yml"], ["docker-compose.yml", "deploy/compose/small.yml"]]
)
def test_compose_reads_the_files_with_every_profile(files: list[str]):
    named = [part for file in files for part in ("-f", file)]
    command = ["docker", "compose", *named, "--env-file", "/dev/null", "--profile", "*", "config", "--quiet"]
    answer = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)

    assert (answer.returncode, answer.stderr) == (0, "")

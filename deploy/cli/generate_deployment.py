"""`make docs`: writes what deployments know of the services from the one list of them, `services/all.py`.

Of files that people write, only the part between two marks is ours:

    # services (written by `make docs`)
    …
    # end of services

Compose names two processes of each service, the volume of their secrets and the gateway's way to them, its small shape
leaves the processes out, Prometheus finds them by name. For Kubernetes a folder is made for each service, which lays
its name over the resources that all services share (`deploy/kubernetes/base/service`).
"""

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from deploy.run.processes import Role
from services.all import KEYRINGS, NAMES
from shared.database.sealing import keys_setting

ROOT = Path(__file__).parents[2]
KUBERNETES = Path("deploy/kubernetes/base/services")
BEGIN, END = "# services (written by `make docs`)", "# end of services"
PORT = 8000
MADE = "# Written by `make docs` from services/all.py.\n"
KUSTOMIZATION = f"""\
{MADE}apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
"""


class NoMarks(RuntimeError):  # noqa: N818 - a refusal named by its reason
    """A file has lost a mark between which the services belong, or has gained one."""


def processes(names: Sequence[str]) -> list[str]:
    """The processes of all services, by the names that they have in every deployment."""
    return [f"{name}-{role}" for name in names for role in (Role.API, Role.WORKER)]


def upstreams(names: Sequence[str]) -> str:
    """BACKOFFICE_UPSTREAMS: each service's API by the name that it has in every deployment."""
    return ",".join(f"{name}=http://{name}-{Role.API}:{PORT}" for name in names)


def compose_ways(names: Sequence[str]) -> list[str]:
    """What the gateway knows of the services, and whom it waits for."""
    return [
        f"x-upstreams: &upstreams {upstreams(names)}",
        "x-apis: &apis",
        *(f"  {name}-{Role.API}: {{ condition: service_healthy }}" for name in names),
        "x-sealing-keys: &sealing-keys",
        *(f"  {setting}: ${{{setting}:-}}" for setting in _key_settings()),
    ]


def _key_settings() -> list[str]:
    return sorted({keys_setting(keyring) for keyring in KEYRINGS.values()})


def compose_secrets(names: Sequence[str]) -> list[str]:
    """Where the secrets of each service's processes are put."""
    return [f"      - {name}-secrets:/secrets/{name}" for name in names]


def compose_processes(names: Sequence[str]) -> list[str]:
    """Two containers of each service, with the secrets of their own; the one that sends mails has a way out."""
    lines: list[str] = []
    for name in names:
        volumes = f'["{name}-secrets:/run/secrets/own:ro", "blobs:/var/lib/backoffice/blobs"]'
        for role in (Role.API, Role.WORKER):
            command = f"[backoffice, serve, {name}, --role, {role}]"
            lines += [
                f"  {name}-{role}:",
                "    <<: *service",
                f"    command: {command}",
                f"    volumes: {volumes}",
                *(["    networks: [services, database, broker, mail]"] if role is Role.WORKER else []),
                "",
            ]
    return lines[:-1]


def compose_volumes(names: Sequence[str]) -> list[str]:
    """The volumes of those secrets."""
    return [f"  {name}-secrets:" for name in names]


def compose_small(names: Sequence[str]) -> list[str]:
    """None of them, where one process does everything."""
    return [f"  {process}: !reset null" for process in processes(names)]


def prometheus(names: Sequence[str]) -> list[str]:
    """The names under which Prometheus finds replicas."""
    return [f"      - names: [{', '.join(['gateway', *processes(names)])}]"]


# Which parts each file has, in their order.
PARTS = {
    "docker-compose.yml": (compose_ways, compose_secrets, compose_processes, compose_volumes),
    "deploy/compose/small.yml": (compose_small,),
    "deploy/otel/prometheus.yml": (prometheus,),
}


def with_services(text: str, bodies: Sequence[Sequence[str]], *, place: str) -> str:
    """A file's text with the parts between its marks put anew; raises NoMarks when there are not just as many."""
    lines: list[str] = []
    waiting, inside = list(bodies), False
    for line in text.splitlines():
        mark = line.strip()
        if mark == END:
            inside = False
        if not inside:
            lines.append(line)
        if mark == BEGIN:
            if inside or not waiting:
                raise NoMarks(f"{place} has more marks `{BEGIN}` than there are parts")
            lines += waiting.pop(0)
            inside = True
    if inside or waiting:
        raise NoMarks(f"{place} lacks a mark `{BEGIN}` or `{END}`")
    return "\n".join(lines) + "\n"


def kubernetes(names: Sequence[str]) -> Iterator[tuple[str, str]]:
    """The folder of each service, and the one that gathers them."""
    ways = f"BACKOFFICE_UPSTREAMS={upstreams(names)}"
    yield (
        f"{KUBERNETES}/kustomization.yaml",
        f"{KUSTOMIZATION}resources:\n"
        + "".join(f"  - {name}\n" for name in names)
        + f"configMapGenerator:\n  - name: backoffice-upstreams\n    literals:\n      - {ways}\n",
    )
    for name in names:
        yield (
            f"{KUBERNETES}/{name}/kustomization.yaml",
            (
                f"{KUSTOMIZATION}resources: [../../service]\n"
                f"namePrefix: {name}-\n"
                "labels:\n"
                f"  - pairs: {{ app.kubernetes.io/name: {name} }}\n"
                "    includeSelectors: true\n"
                "patches:\n"
                "  - target: { kind: Deployment }\n"
                "    patch: |\n"
                f"      - {{ op: replace, path: /spec/template/spec/containers/0/command/2, value: {name} }}\n"
                "  - target: { kind: Deployment }\n"
                "    patch: |\n"
                "      apiVersion: apps/v1\n"
                "      kind: Deployment\n"
                "      metadata: { name: any }\n"
                "      spec: { template: { spec: { volumes: [\n"
                f"        {{ name: own, secret: {{ secretName: backoffice-{name}, defaultMode: 0440 }} }},\n"
                "      ] } } }\n"
            ),
        )


def deployment_files(names: Sequence[str] = NAMES) -> Iterator[tuple[str, str]]:
    """Every file that is ours, wholly or in parts: its path in the repository and its text."""
    for place, parts in PARTS.items():
        bodies = [part(names) for part in parts]
        yield place, with_services((ROOT / place).read_text(), bodies, place=place)
    yield from kubernetes(names)


def main() -> None:
    """Write them all anew; the folder of a service that is no longer listed goes."""
    wanted = dict(deployment_files())
    shutil.rmtree(ROOT / KUBERNETES, ignore_errors=True)
    for place, text in wanted.items():
        path = ROOT / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    print(f"{len(wanted)} files know of {len(NAMES)} services")


if __name__ == "__main__":
    main()

"""Whether tests can use Docker here."""

import os
import shutil
import subprocess
from functools import cache

DEMAND_VARIABLE = "BACKOFFICE_REQUIRE_DOCKER"
PATIENCE = 30.0


@cache
def missing(*, engine: bool = True) -> str:
    """Why Docker cannot be used, in one sentence; empty when it can.

    Without `engine`: for what `docker compose` does by itself, such as reading a file.
    """
    docker = shutil.which("docker")
    if docker is None:
        return "needs Docker: there is no `docker` command"
    questions = [(["compose", "version"], "needs Docker Compose: there is no `docker compose`")]
    if engine:
        ask = ["info", "--format", "{{.ServerVersion}}"]
        questions.insert(0, (ask, "needs Docker: no engine answers `docker info`"))
    for question, absent in questions:
        try:
            answer = subprocess.run([docker, *question], check=False, capture_output=True, timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            return f"{absent} within {PATIENCE:g} s"
        if answer.returncode:
            return absent
    return ""


def demanded() -> bool:
    """Whether a missing engine is a failure: continuous integration must not pass by leaving tests out."""
    return os.environ.get(DEMAND_VARIABLE) == "1"

"""The probe of the containers, and the demonstration told to a suite elsewhere, against what does not answer."""

import os
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from tests.deploy.container.composition import free_port

REPOSITORY = Path(__file__).parents[3]


class Answer(BaseHTTPRequestHandler):
    """Ready at /readyz, not ready anywhere else."""

    def do_GET(self) -> None:
        status = 200 if self.path == "/readyz" else 503
        self.send_response(status)
        self.end_headers()
        self.wfile.write(b"says why")

    def log_message(self, *_: object) -> None:
        pass


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith("BACKOFFICE_")}
    return subprocess.run(
        [sys.executable, *arguments], cwd=REPOSITORY, env=kept | environment,
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def probe(port: int, path: str) -> subprocess.CompletedProcess[str]:
    return run("-I", str(REPOSITORY / "deploy" / "container" / "probe.py"), path, BACKOFFICE_PORT=str(port))


def test_the_probe_is_content_with_a_ready_process_and_tells_what_another_says() -> None:
    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            found = [probe(server.server_port, path) for path in ("/readyz", "/else")]
        finally:
            server.shutdown()
            thread.join()

    assert [(f.returncode, f.stdout.strip()) for f in found] == [(0, "says why"), (1, "says why")]


def test_the_probe_says_that_nobody_answers() -> None:
    found = probe(free_port(), "/readyz")

    assert (found.returncode, "no answer on port" in found.stdout) == (1, True)


@pytest.mark.parametrize(
    ("secret", "sentence"),
    [
        ([], "needs an operator client"),
        (["--client-secret", "x"], "does not answer"),
    ],
)
def test_a_story_that_cannot_be_told_says_why(secret: list[str], sentence: str) -> None:
    url = f"http://127.0.0.1:{free_port()}"

    found = run("-m", "deploy", "demo", "--url", url, *secret)

    assert (found.returncode, sentence in found.stdout, "Traceback" in found.stderr) == (1, True, False), (
        found
    )

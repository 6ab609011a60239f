"""The gateway's proxy path against nginx as a plain proxy, and against its service called directly.

nginx comes from Debian's packages (`apt install nginx wrk`); without it this part says so and ends.
"""

import asyncio
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks import server
from benchmarks.report import Section, spread, table
from benchmarks.server import free_port

ROUNDS = 5
SECONDS = 3
CONNECTIONS = 16
BODY = json.dumps({"items": [{"id": n, "name": "x" * 20} for n in range(6)]})

NGINX = """
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
  access_log off; client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s; keepalive_requests 1000000;
  upstream static {{ server 127.0.0.1:{static}; keepalive 64; }}
  server {{ listen 127.0.0.1:{static}; default_type application/json;
    location = /openapi.json {{ alias {folder}/openapi.json; }}
    location /internal {{ return 200 '{{}}'; }}
    location / {{ return 200 '{body}'; }} }}
  server {{ listen 127.0.0.1:{proxy};
    location / {{ proxy_pass http://static; proxy_http_version 1.1; proxy_set_header Connection ""; }} }}
}}
"""

# What the gateway learns of the static upstream: one readable operation.
STATIC_API = {
    "openapi": "3.1.0",
    "info": {"title": "static", "version": "1"},
    "paths": {
        "/v1/orders": {
            "get": {
                "operationId": "list_static",
                "x-required-scope": "orders:read",
                "responses": {"200": {"description": "The static answer."}},
            }
        }
    },
}


async def measure() -> Section:
    """The whole part."""
    if shutil.which("nginx") is None or shutil.which("wrk") is None:
        return Section(
            "Gateway", "Left out: nginx and wrk are not installed (Debian: apt install nginx wrk)."
        )
    static, proxy = free_port(), free_port()
    folder = _configured(static, proxy)
    try:
        with _process("nginx", "-c", str(folder / "nginx.conf")):
            return await _compare(static, proxy)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _configured(static: int, proxy: int) -> Path:
    """A folder with nginx's configuration and what the static upstream says of itself."""
    folder = Path(tempfile.mkdtemp(prefix="bo-gateway-"))
    folder.chmod(0o755)
    (folder / "openapi.json").write_text(json.dumps(STATIC_API))
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder, static=static, proxy=proxy, body=BODY))
    return folder


async def _compare(static: int, proxy: int) -> Section:
    data_dir = Path(tempfile.mkdtemp(prefix="bo-bench-"))
    running = await server.start(
        data_dir, "benchmarks.gateway_only", BENCH_UPSTREAM=f"http://127.0.0.1:{static}"
    )
    try:
        shop = await server.open_account(running)
        bearer = f"authorization: Bearer {shop}"
        rates: dict[str, list[float]] = {"static": [], "nginx": [], "gateway": []}
        for _ in range(ROUNDS):
            rates["static"].append(_wrk(f"http://127.0.0.1:{static}/v1/orders"))
            rates["nginx"].append(_wrk(f"http://127.0.0.1:{proxy}/v1/orders"))
            rates["gateway"].append(_wrk(f"http://127.0.0.1:{running.port}/v1/orders", bearer))
    finally:
        server.stop(running)
        shutil.rmtree(data_dir, ignore_errors=True)
    ratios = [g / n for g, n in zip(rates["gateway"], rates["nginx"], strict=True)]
    rows = [
        ["static upstream, called directly", spread(rates["static"])],
        ["nginx, one worker, plain proxy", spread(rates["nginx"])],
        ["gateway, one worker: authenticated, rate-limited, internal token", spread(rates["gateway"])],
    ]
    text = table([f"{CONNECTIONS} connections", "requests per second"], rows)
    return Section("Gateway", f"{text}\n\nRatio to nginx {spread(ratios, 3)} (wanted: 0.15).")


def _wrk(url: str, *headers: str) -> float:
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}s", url]
    for header in headers:
        command += ["-H", header]
    answer = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in answer:
        raise RuntimeError(f"{url} was refused: {answer}")
    found = re.search(r"Requests/sec:\s+([\d.]+)", answer)
    assert found is not None, answer
    return float(found.group(1))


@contextmanager
def _process(*command: str) -> Iterator[None]:
    process = subprocess.Popen(command, stdout=sys.stderr)
    try:
        yield
    finally:
        process.terminate()
        process.wait(10)


if __name__ == "__main__":
    print(asyncio.run(measure()).text)

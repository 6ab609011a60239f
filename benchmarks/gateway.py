"""The gateway's proxy path against nginx and HAProxy as plain proxies, and its service called directly.

All three come from Debian's packages (`apt install nginx haproxy wrk`); without them this part says so and ends.
Each has one worker. Beside the rates stand CPU times, which other work on the machine disturbs less.
"""

import asyncio
import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import server
from benchmarks.report import Section, spread, table
from benchmarks.server import cpu_seconds, free_port

ROUNDS = 7
SECONDS = 2
CONNECTIONS = 16
BODY = json.dumps({"items": [{"id": n, "name": "x" * 20} for n in range(6)]})

NGINX = """
daemon off; worker_processes 1; pid {folder}/{name}.pid; error_log {folder}/{name}.log;
events {{ worker_connections 1024; }}
http {{
  access_log off; client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s; keepalive_requests 1000000;
  {servers}
}}
"""
STATIC = """
  server {{ listen 127.0.0.1:{static}; default_type application/json;
    location = /operations.json {{ alias {folder}/operations.json; }}
    location /internal {{ return 200 '{{}}'; }}
    location / {{ return 200 '{body}'; }} }}
"""
PROXY = """
  upstream static {{ server 127.0.0.1:{static}; keepalive 64; }}
  server {{ listen 127.0.0.1:{proxy};
    location / {{ proxy_pass http://static; proxy_http_version 1.1; proxy_set_header Connection ""; }} }}
"""

HAPROXY = """
global
  nbthread 1
  maxconn 1024
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  http-reuse always
frontend proxy
  bind 127.0.0.1:{haproxy}
  default_backend static
backend static
  server static 127.0.0.1:{static}
"""

# What the gateway learns of the static upstream: one readable operation.
STATIC_API = {"paths": {"/v1/orders": {"get": {"x-required-scope": "orders:read"}}}}


@dataclass
class Side:
    """One of those who are compared: where it listens, the process that works, what was measured."""

    name: str
    port: int
    pid: int
    headers: tuple[str, ...] = ()
    rates: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)


async def measure() -> Section:
    """The whole part."""
    if missing := [name for name in ("nginx", "haproxy", "wrk") if shutil.which(name) is None]:
        return Section(
            "Gateway",
            f"Left out: {', '.join(missing)} not installed (Debian: apt install nginx haproxy wrk).",
        )
    static, proxy, haproxy = free_port(), free_port(), free_port()
    folder = _configured(static, proxy, haproxy)
    try:
        with (
            _process("nginx", "-c", str(folder / "static.conf")) as static_pid,
            _process("nginx", "-c", str(folder / "nginx.conf")) as nginx_pid,
            _process("haproxy", "-db", "-f", str(folder / "haproxy.cfg")) as haproxy_pid,
        ):
            plain = [
                Side("static upstream, called directly", static, _worker(static_pid)),
                Side("nginx, plain proxy", proxy, _worker(nginx_pid)),
                Side("HAProxy, plain proxy", haproxy, haproxy_pid),
            ]
            return await _compare(static, plain)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _configured(static: int, proxy: int, haproxy: int) -> Path:
    """A folder with everybody's configuration and what the static upstream says of itself."""
    folder = Path(tempfile.mkdtemp(prefix="bo-gateway-"))
    folder.chmod(0o755)
    (folder / "operations.json").write_text(json.dumps(STATIC_API))
    serves = STATIC.format(folder=folder, static=static, body=BODY)
    passes = PROXY.format(static=static, proxy=proxy)
    (folder / "static.conf").write_text(NGINX.format(folder=folder, name="static", servers=serves))
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder, name="nginx", servers=passes))
    (folder / "haproxy.cfg").write_text(HAPROXY.format(static=static, haproxy=haproxy))
    return folder


async def _compare(static: int, sides: list[Side]) -> Section:
    data_dir = Path(tempfile.mkdtemp(prefix="bo-bench-"))
    running = await server.start(
        data_dir, "benchmarks.gateway_only", BENCH_UPSTREAM=f"http://127.0.0.1:{static}"
    )
    try:
        bearer = f"authorization: Bearer {await server.open_account(running)}"
        what = "gateway: authenticated, rate-limited, internal token"
        sides.append(Side(what, running.port, running.process.pid, (bearer,)))
        for side in (
            sides
        ):  # a first round that does not count: Python, too, is slow on what it meets for the first time
            _wrk(f"http://127.0.0.1:{side.port}/v1/orders", *side.headers)
        for _ in range(ROUNDS):
            for side in sides:
                before = cpu_seconds(side.pid)
                rate, requests = _wrk(f"http://127.0.0.1:{side.port}/v1/orders", *side.headers)
                side.rates.append(rate)
                side.cpu.append((cpu_seconds(side.pid) - before) / requests * 1e6)
    finally:
        server.stop(running)
        shutil.rmtree(data_dir, ignore_errors=True)
    rows = [[side.name, spread(side.rates), spread(side.cpu)] for side in sides]
    text = table(
        [f"one worker each, {CONNECTIONS} connections", "requests per second", "CPU µs per request"], rows
    )
    _, nginx, haproxy, ours = sides
    return Section(
        "Gateway",
        f"{text}\n\nRatio to nginx {spread(_ratios(ours.rates, nginx.rates), 3)} (wanted: 0.25), "
        f"to HAProxy {spread(_ratios(ours.rates, haproxy.rates), 3)}; "
        f"CPU of nginx to ours {spread(_ratios(nginx.cpu, ours.cpu), 3)}.",
    )


def _ratios(ours: list[float], theirs: list[float]) -> list[float]:
    """Round by round, since other work on the machine comes and goes."""
    return [a / b for a, b in zip(ours, theirs, strict=True)]


def _worker(master: int) -> int:
    """The one worker of an nginx."""
    children = Path(f"/proc/{master}/task/{master}/children")
    while not (found := children.read_text().split()):
        time.sleep(0.01)
    return int(found[0])


def _wrk(url: str, *headers: str) -> tuple[float, int]:
    """Requests a second, and how many there were."""
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}s", url]
    for header in headers:
        command += ["-H", header]
    answer = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in answer:
        raise RuntimeError(f"{url} was refused: {answer}")
    rate, requests = re.search(r"Requests/sec:\s+([\d.]+)", answer), re.search(r"(\d+) requests in", answer)
    assert rate is not None and requests is not None, answer  # noqa: PT018
    return float(rate.group(1)), int(requests.group(1))


@contextmanager
def _process(*command: str) -> Iterator[int]:
    process = subprocess.Popen(command, stdout=sys.stderr)
    try:
        yield process.pid
    finally:
        process.terminate()
        process.wait(10)


if __name__ == "__main__":
    print(asyncio.run(measure()).text)

"""Databases as SQL text: dumped by the wheel's pg_dump, restored on any PostgreSQL from 17 on, compared.

A dump says who owns what and who may do what. It brings its roles along, as `pg_dumpall --globals-only
--no-role-passwords` would, but only where they are missing: they belong to the whole server, and `backoffice
migrate` sets their passwords. What belongs to the administrator goes to whoever restores. Rows are INSERTs, so
that a plain connection restores them.
"""

import asyncio
import base64
import gzip
import importlib.util
import subprocess
from collections.abc import Mapping
from pathlib import Path
from uuid import uuid4

import asyncpg

from shared.embedded.host import MAJOR, WHEEL
from tests.kit import postgres

ROLE = """do $$ begin create role {name} {login} nosuperuser nobypassrls nocreatedb nocreaterole;
exception when duplicate_object or unique_violation then null; end $$;
"""
ROLES = "select rolname as name, rolcanlogin from pg_roles where rolname like 'backoffice\\_%' order by 1"


async def dumped(url: str) -> bytes:
    """The database as compressed SQL; the same database gives the same bytes."""
    sql = await asyncpg.connect(url)
    try:
        roles = await sql.fetch(ROLES)
        administrator = await sql.fetchval("select current_user")
    finally:
        await sql.close()
    lines = [ROLE.format(name=r["name"], login="login" if r["rolcanlogin"] else "nologin") for r in roles]
    owned = f" OWNER TO {administrator};"
    lines += [line for line in text_of(url, "--rows-per-insert=100") if not line.endswith(owned)]
    return gzip.compress("\n".join(lines).encode(), mtime=0)


def text_of(url: str, *options: str) -> list[str]:
    """What pg_dump writes of a database, without the random words by which psql guards itself."""
    wheel = importlib.util.find_spec(WHEEL.replace("-", "_"))
    assert wheel is not None
    assert wheel.submodule_search_locations
    program = Path(wheel.submodule_search_locations[0]) / f"pginstall{MAJOR}" / "bin" / "pg_dump"
    done = subprocess.run([program, f"--dbname={url}", *options], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"pg_dump failed: {done.stderr}")
    return [line for line in done.stdout.splitlines() if not line.startswith(("\\restrict", "\\unrestrict"))]


async def restored(admin_url: str, dump: Path) -> str:
    """A new database of the server with what a dump holds; returns its address."""
    statements = gzip.decompress(await asyncio.to_thread(dump.read_bytes)).decode()
    name = f"upgrade_{uuid4().hex}"
    url = await postgres.create_database(admin_url, name)
    sql = await asyncpg.connect(url)
    try:
        await sql.execute(statements)
    finally:
        await sql.close()
    return url


def files_of(folder: Path) -> dict[str, str]:
    """The files beside a database, as text by their paths within the folder."""
    return {
        str(path.relative_to(folder)): base64.b64encode(path.read_bytes()).decode()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def put_back(files: Mapping[str, str], folder: Path) -> None:
    """Files where they were when they were noted."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(base64.b64decode(content))

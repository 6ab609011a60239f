"""The store compared with the rows: what a restore of one without the other leaves is found."""

import os
import time
from uuid import UUID, uuid4

import asyncpg
import httpx

from shared.blobs.audit import differences
from shared.blobs.refs import BlobKey, key_at
from shared.blobs.store import Blobs
from shared.context.ctx import TenantFacts
from shared.database import rls
from tests.kit.suite import ROLE_SECRET, Suite
from tests.shared.blobs.files import folder


async def found(kernel: Suite, tenant: TenantFacts) -> set[tuple[str, UUID]]:
    role = rls.worker_role("probe")
    sql = await asyncpg.connect(kernel.url, user=role, password=rls.role_password(ROLE_SECRET, role))
    try:
        every = [each async for each in differences(kernel["probe"].ports.get(Blobs), sql, "probe")]
    finally:
        await sql.close()
    return {(each.what, each.key.id) for each in every if each.key.tenant_id == tenant.id}


async def test_missing_cut_and_stray_files_are_told_apart(
    kernel: Suite, probe: httpx.AsyncClient, owner: TenantFacts
):
    whole, missing, cut = [
        UUID((await probe.post("/v1/files", files={"file": ("a", b"content")})).json()["id"])
        for _ in range(3)
    ]
    at = folder() / str(owner.id) / "probe"
    stray, young = uuid4(), uuid4()

    (at / str(missing)).unlink()
    (at / str(cut)).write_bytes(b"con")
    (at / str(young)).write_bytes(b"just restored")
    (at / str(stray)).write_bytes(b"restored long ago")
    for file in (whole, stray):
        os.utime(at / str(file), (time.time() - 7200,) * 2)

    assert await found(kernel, owner) == {("missing", missing), ("cut", cut), ("stray", stray)}


def test_only_what_is_written_like_a_files_path_is_one():
    key = BlobKey(uuid4(), "orders", uuid4())

    assert key_at(key.path) == key
    for path in (
        "ready/probe",
        key.path.upper(),
        f"{key.path}/x",
        f"x/{key.path}",
        key.path.replace("-", ""),
        "",
    ):
        assert key_at(path) is None

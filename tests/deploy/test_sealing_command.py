"""`backoffice sealing` and the keys of an installation, from the command line."""

import asyncio
import os
import secrets
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from deploy.run.secrets import with_sealing_keys
from deploy.run.settings import DeploySettings
from services.all import KEYRINGS, SERVICES
from services.billing.service import SERVICE as BILLING
from shared.database.sealing import Keyring
from shared.values.ids import new_id
from tests.kit import postgres
from tests.kit.suite import ROLE_SECRET, SEALING_KEYS, migrate_all, running_suite
from tests.kit.suite import test_settings as settings_with

ROOT = Path(__file__).parents[2]
IBAN = "GB33BUKB20201555555555"
OLD = Keyring.parse(SEALING_KEYS, service="billing").newest


@pytest.fixture
async def sealed_url(admin_url: str) -> AsyncIterator[str]:
    """A database in which a tenant's bank account is sealed with the key of tests."""
    name = f"sealing_{new_id().hex}"
    url = await postgres.create_database(admin_url, name)
    await migrate_all(url, SERVICES)
    async with running_suite(url, [BILLING]) as suite:
        billing = suite.client("billing", await suite.new_tenant())
        change = {"bank_account": {"holder": "Acme Ltd", "iban": IBAN}}
        answer = await billing.patch("/v1/seller-profile", json=change, headers={"if-match": "1"})
        assert answer.status_code == 200, answer.text
    yield url
    await postgres.drop_database(admin_url, name)


async def backoffice(url: str, folder: Path, keys: str, *arguments: str) -> tuple[int, str]:
    environment = os.environ | {
        "BACKOFFICE_DATABASE_URL": url, "BACKOFFICE_ROLE_SECRET": ROLE_SECRET, "BACKOFFICE_SEALING_KEYS": keys,
        "BACKOFFICE_DATA_DIR": str(folder), "BACKOFFICE_BLOBS_URL": (folder / "blobs").as_uri(), "COLUMNS": "400",
    }  # fmt: skip
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "deploy", *arguments,
        cwd=ROOT, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    output, _ = await asyncio.wait_for(process.communicate(), 60)
    return process.returncode or 0, output.decode()


async def test_a_rotation_by_hand_leaves_the_old_key_unused(sealed_url: str, tmp_path: Path):
    new = secrets.token_urlsafe(32)

    before = await backoffice(sealed_url, tmp_path, SEALING_KEYS, "sealing", "list")
    rotated = await backoffice(sealed_url, tmp_path, f"{new},{SEALING_KEYS}", "sealing", "reseal")
    after = await backoffice(sealed_url, tmp_path, new, "sealing", "list")

    assert [status for status, _ in (before, rotated, after)] == [0, 0, 0], (before, rotated, after)
    assert OLD in before[1]
    assert "billing: 1 values sealed anew" in rotated[1]
    assert OLD not in after[1]
    async with running_suite(sealed_url, [BILLING], settings=settings_with(sealing_keys=new)):
        pass


async def test_a_lost_key_is_told_in_one_sentence_and_can_be_given_up(sealed_url: str, tmp_path: Path):
    new = secrets.token_urlsafe(32)

    known = await backoffice(sealed_url, tmp_path, SEALING_KEYS, "sealing", "forget", OLD, "--yes")
    stuck = await backoffice(sealed_url, tmp_path, new, "sealing", "reseal")
    asked = await backoffice(sealed_url, tmp_path, new, "sealing", "forget", OLD)
    given_up = await backoffice(sealed_url, tmp_path, new, "sealing", "forget", OLD, "--yes")

    assert [status for status, _ in (known, stuck, asked, given_up)] == [2, 1, 1, 0]
    assert f"is sealed with key {OLD}, which is not known here" in stuck[1]
    assert "Traceback" not in stuck[1]
    assert "values of 1 tenants would be lost" in asked[1]
    assert "1 values given up" in given_up[1]


async def test_the_command_and_the_processes_name_the_setting_that_is_missing(
    sealed_url: str, tmp_path: Path
):
    for arguments in (("sealing", "list"), ("serve", "billing")):
        status, text = await backoffice(sealed_url, tmp_path, "", *arguments)

        assert status == 1, text
        assert "BACKOFFICE_SEALING_KEYS" in text
        assert "Traceback" not in text


def test_an_embedded_installation_makes_its_key_once_and_keeps_it_to_its_owner(tmp_path: Path):
    settings = DeploySettings(data_dir=tmp_path)

    first, second = with_sealing_keys(settings), with_sealing_keys(settings)

    kept = tmp_path / "sealing-keys-billing"
    assert first.keyrings == second.keyrings
    assert first.keyrings.keys() == set(KEYRINGS.values())
    assert kept.stat().st_mode & 0o777 == 0o600
    assert len(Keyring.parse(kept.read_text(), service="billing").ids) == 1
    assert kept.read_text().strip() not in repr(first)


def test_processes_over_a_database_of_their_own_are_given_their_key_and_make_none(tmp_path: Path):
    settings = DeploySettings(data_dir=tmp_path, database_url="postgresql://db/x")

    assert with_sealing_keys(settings).sealing_keys_of("billing") == ""
    assert list(tmp_path.iterdir()) == []


def test_the_one_list_of_keys_that_there_was_before_is_billings(tmp_path: Path):
    (tmp_path / "sealing-keys").write_text(f"{SEALING_KEYS}\n")

    assert with_sealing_keys(DeploySettings(data_dir=tmp_path)).sealing_keys_of("billing") == SEALING_KEYS
    assert (tmp_path / "sealing-keys").exists(), "for the program of before, should it come back"


def test_what_is_given_goes_before_what_is_kept(tmp_path: Path):
    with_sealing_keys(DeploySettings(data_dir=tmp_path))

    given = with_sealing_keys(DeploySettings(data_dir=tmp_path, sealing_keys=SEALING_KEYS))

    assert given.sealing_keys_of("billing") == SEALING_KEYS

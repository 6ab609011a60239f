"""A process holds its own secrets: with them it does its work, and nothing of them leads to another's."""

from collections.abc import AsyncIterator
from itertools import permutations
from pathlib import Path

import asyncpg
import pytest
from structlog.testing import CapturingLogger

from deploy.cli.secrets import make_secrets
from deploy.run import secrets as secrets_module
from deploy.run.secrets import (
    at_hand,
    own_secrets,
    refuse_others_secrets,
    require_secrets,
    secrets_of_processes,
    with_role_secret,
)
from deploy.run.settings import DeploySettings, Misconfigured
from gateway.identity.signing import derived_seal, seal_of
from gateway.service import SERVICE as GATEWAY
from services.all import KEYRINGS, NAMES, SERVICES
from shared.base.settings import SECRETS_DIR, SecretMissing
from shared.bus.pg.schema import ROLE as BUS
from shared.database.rls import app_role, password_of, role_password, worker_role
from shared.database.sealing import Keyring, keys_setting
from tests.deploy.company import a_company
from tests.deploy.databases import asking_for_passwords, fresh_database
from tests.kit.deployment import deployment
from tests.kit.suite import ROLE_SECRET, SEALING_KEYS, eventually
from tests.stories.steps import (
    a_customer,
    a_product,
    everything_agrees,
    invoices_of,
    order_taken,
    paid,
    payment_status_becomes,
    shipped,
)

ORDERS = next(service for service in SERVICES if service.name == "orders")
PROCESSES = (*NAMES, GATEWAY.name)
PEOPLES_KEYS = "YW5vdGhlciBzZWFsaW5nIGtleSwgb2YgcGVvcGxlLjI="  # 32 bytes in URL-safe base64
ROLES = [role(name) for name in PROCESSES for role in (app_role, worker_role)]


@pytest.fixture
async def strict_url(admin_url: str) -> AsyncIterator[str]:
    """A database that asks every role of ours for its password."""
    async with (
        fresh_database(admin_url) as url,
        asking_for_passwords(admin_url, ",".join([*ROLES, BUS]), url),
    ):
        await eventually(lambda: _asks(url))
        yield url


async def _asks(url: str) -> bool:
    return not await signs_in(url, app_role("orders"), "wrong")


async def signs_in(url: str, role: str, password: str) -> bool:
    try:
        sql = await asyncpg.connect(url, user=role, password=password)
    except asyncpg.InvalidPasswordError:
        return False
    await sql.close()
    return True


def held(name: str, *, bus: bool = True) -> dict[str, str]:
    """What the processes of a service hold in this installation."""
    settings = DeploySettings(
        role_secret=ROLE_SECRET, keyrings={"billing": SEALING_KEYS, "people": PEOPLES_KEYS}
    )
    return own_secrets(name, settings, bus=bus)


async def test_processes_with_nothing_but_their_own_secrets_turn_an_order_into_money(strict_url: str):
    async with deployment(strict_url, role_secret=ROLE_SECRET, preloaded=True) as suite:
        for process in suite.processes.values():
            assert ROLE_SECRET not in process.environment.values()
        async with a_company(suite.url) as company:
            customer, lamp = await a_customer(company), await a_product(company, "LAMP", "10.00", stock=5)
            order = await order_taken(company, customer, {lamp: 2}, confirm=True)
            await shipped(company, order)
            (invoice,) = await invoices_of(company, order, 1)
            gross = invoice["totals"]["gross"]
            await paid(company, customer, gross, (invoice, gross))
            await payment_status_becomes(company, order, "paid")
            await everything_agrees(company, company)


async def test_no_secret_of_a_process_nor_what_is_made_of_it_signs_in_as_another(strict_url: str):
    for name in PROCESSES:
        own = {app_role(name), worker_role(name)}
        for role in ROLES:
            tried = [text for secret in held(name).values() for text in (secret, role_password(secret, role))]
            let_in = [await signs_in(strict_url, role, text) for text in tried]
            assert any(let_in) == (role in own), (name, role)


def test_two_processes_share_no_secret_but_the_keys_that_are_theirs_together_and_none_has_the_role_secret():
    for one, other in permutations(PROCESSES, 2):
        common = set(held(one, bus=False).values()) & set(held(other, bus=False).values())
        assert common == ({PEOPLES_KEYS} if {one, other} == {"hr", "payroll"} else set())
    for name in PROCESSES:
        found = held(name)
        assert len(set(found.values())) == len(found)
        assert ROLE_SECRET not in found.values()
        common = {"backoffice_password_bus", "backoffice_signing_seal"}
        keyring = keys_setting(KEYRINGS[name]).lower() if name in KEYRINGS else ""
        own = found.keys() - common - {keyring}
        assert [setting for setting in own if f"_{name}" not in setting] == []
    assert [name for name in PROCESSES if "backoffice_signing_seal" in held(name)] == ["gateway"]


def test_a_password_that_was_given_goes_before_one_that_could_be_made():
    settings = DeploySettings(role_secret=ROLE_SECRET, passwords={"orders_app": "of its own"})

    assert password_of(settings, app_role("orders")) == "of its own"
    assert password_of(settings, worker_role("orders")) == role_password(
        ROLE_SECRET, "backoffice_orders_worker"
    )


def test_what_a_process_lacks_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("BACKOFFICE_PASSWORD_ORDERS_APP", "x")
    with pytest.raises(SecretMissing, match="BACKOFFICE_PASSWORD_ORDERS_WORKER"):
        require_secrets(DeploySettings(), [ORDERS])
    monkeypatch.setenv("BACKOFFICE_PASSWORD_ORDERS_WORKER", "x")
    with pytest.raises(SecretMissing, match="BACKOFFICE_PASSWORD_BUS"):
        require_secrets(DeploySettings(), [ORDERS])
    require_secrets(DeploySettings(amqp_url="amqp://broker"), [ORDERS])
    with pytest.raises(SecretMissing, match="BACKOFFICE_SIGNING_SEAL"):
        seal_of(DeploySettings())


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"passwords": {"billing_app": "x"}}, "BACKOFFICE_PASSWORD_BILLING_APP"),
        ({"keyrings": {"billing": SEALING_KEYS}}, "BACKOFFICE_SEALING_KEYS_BILLING"),
        ({"signing_seal": "x"}, "BACKOFFICE_SIGNING_SEAL"),
    ],
)
def test_a_process_that_is_given_another_ones_secret_refuses_it(given: dict[str, object], named: str):
    with pytest.raises(Misconfigured, match=named):
        refuse_others_secrets(DeploySettings(**given), ORDERS)


def test_a_role_secret_where_it_is_not_needed_is_warned_of_and_told_to_nobody(
    monkeypatch: pytest.MonkeyPatch,
):
    told = CapturingLogger()
    monkeypatch.setattr(secrets_module, "log", told)
    settings = DeploySettings(role_secret=ROLE_SECRET)

    refuse_others_secrets(settings, ORDERS)

    (call,) = told.calls
    assert (call.method_name, call.kwargs["given"]) == ("warning", ["BACKOFFICE_ROLE_SECRET"])
    assert ROLE_SECRET not in str(call) + repr(settings)


def test_commands_work_for_those_whose_passwords_are_here(tmp_path: Path):
    billing = DeploySettings(passwords={"billing_app": "x", "billing_worker": "y"}, data_dir=tmp_path)

    assert [s.name for s in at_hand(with_role_secret(billing), SERVICES)] == ["billing"]
    assert not (tmp_path / "role-secret").exists()
    assert at_hand(DeploySettings(role_secret=ROLE_SECRET), SERVICES) == list(SERVICES)


def contents(folder: Path) -> dict[str, str]:
    return {str(f.relative_to(folder)): f.read_text().strip() for f in folder.rglob("*") if f.is_file()}


def test_the_command_makes_a_folder_for_each_process_and_keeps_what_it_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    folder = tmp_path / "secrets"
    make_secrets(folder, bus=True)
    first = contents(folder)
    make_secrets(folder, bus=True)
    monkeypatch.setenv(SECRETS_DIR, str(folder / "billing"))
    billing = DeploySettings()

    assert contents(folder) == first
    assert {name.partition("/")[0] for name in first} == {*PROCESSES, "migrate"}
    assert {file.stat().st_mode & 0o777 for file in folder.rglob("*") if file.is_file()} == {0o600}
    require_secrets(billing, [s for s in SERVICES if s.name == "billing"])
    assert len(Keyring.parse(billing.sealing_keys_of("billing"), service="billing").ids) == 1
    with pytest.raises(SecretMissing):
        require_secrets(billing, [ORDERS])


def test_an_installation_of_before_is_handed_out_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Its role secret makes the passwords and the seal that its old processes still use, its keys are billing's."""
    monkeypatch.setenv("BACKOFFICE_ROLE_SECRET", ROLE_SECRET)
    monkeypatch.setenv("BACKOFFICE_SEALING_KEYS", SEALING_KEYS)
    make_secrets(tmp_path)
    found = contents(tmp_path)

    assert found["orders/backoffice_password_orders_app"] == role_password(ROLE_SECRET, app_role("orders"))
    assert found["gateway/backoffice_signing_seal"] == derived_seal(ROLE_SECRET)
    assert found["billing/backoffice_sealing_keys_billing"] == SEALING_KEYS


def test_a_keyring_that_two_services_share_reaches_those_two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    keyrings = {"billing": "billing", "hr": "people", "payroll": "people"}
    monkeypatch.setattr(secrets_module, "KEYRINGS", keyrings)
    monkeypatch.setattr(secrets_module, "NAMES", (*NAMES, "hr", "payroll"))
    make_secrets(tmp_path)
    found = contents(tmp_path)
    people, billing = (found[f"migrate/{keys_setting(name).lower()}"] for name in ("people", "billing"))

    assert people != billing
    assert {name for name, secret in found.items() if secret == people} == {
        f"{process}/backoffice_sealing_keys_people" for process in ("hr", "payroll", "migrate")
    }
    settings = DeploySettings(role_secret=ROLE_SECRET, keyrings={"billing": billing, "people": people})
    hr, payroll = (secrets_of_processes(settings, bus=False)[name] for name in ("hr", "payroll"))
    assert set(hr.values()) & set(payroll.values()) == {people}

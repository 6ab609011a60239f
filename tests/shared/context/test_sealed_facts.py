"""Private facts in events: opened by who has the keys, for the event, subject and tenant they were sealed for."""

import base64
import os
from contextlib import AbstractAsyncContextManager
from typing import Any
from uuid import UUID

import pytest

from shared.context.ctx import Actor, Ctx, TenantFacts
from shared.context.sealed_facts import open_fact, seal_fact
from shared.context.sealed_fields import seal
from shared.context.unit_of_work import unit_of_work
from shared.contracts.event import Event
from shared.contracts.hr import EmployeeChanged, EmployeeHired
from shared.database.sealing import DoesNotOpen, Keyring
from shared.values.ids import new_id
from tests.kit.suite import Suite
from tests.shared.probe.vaults.models import Vault

FACTS = {"bank_account": {"iban": "GB33BUKB20201555555555"}, "birth_date": None, "pay": ["43217.00", 3]}


def acting(kernel: Suite, tenant: TenantFacts) -> AbstractAsyncContextManager[Ctx]:
    """A transaction of the probe."""
    return unit_of_work(kernel["probe"], tenant, Actor("a-test"), request_id="a-test")


def told(contract: type[Event], private: str) -> Event:
    return contract.model_construct(private=private)


def opening(ctx: Ctx, contract: type[Event], subject: UUID, private: str) -> Any:
    return open_fact(ctx, told(contract, private), subject, private)


async def test_what_was_sealed_for_an_event_opens_there_and_is_not_in_its_text(
    kernel: Suite, owner: TenantFacts
):
    subject = new_id()
    async with acting(kernel, owner) as ctx:
        private = await seal_fact(ctx, EmployeeHired, subject, FACTS)

    async with acting(kernel, owner) as ctx:
        assert opening(ctx, EmployeeHired, subject, private) == FACTS
    assert "GB33" not in private
    assert b"GB33" not in base64.urlsafe_b64decode(private)


async def test_it_opens_for_no_other_event_subject_or_tenant(
    kernel: Suite, owner: TenantFacts, kernel_stranger: TenantFacts
):
    subject = new_id()
    async with acting(kernel, owner) as ctx:
        private = await seal_fact(ctx, EmployeeHired, subject, FACTS)

    async with acting(kernel, owner) as ctx:
        with pytest.raises(DoesNotOpen):
            opening(ctx, EmployeeChanged, subject, private)
        with pytest.raises(DoesNotOpen):
            opening(ctx, EmployeeHired, new_id(), private)
    async with acting(kernel, kernel_stranger) as ctx:
        with pytest.raises(DoesNotOpen):
            opening(ctx, EmployeeHired, subject, private)


async def test_neither_opens_the_others_place_of_columns_and_facts(kernel: Suite, owner: TenantFacts):
    row = Vault(tenant_id=owner.id, id=new_id(), name="a vault")
    async with acting(kernel, owner) as ctx:
        await seal(ctx, row, code="1234")
        assert row.code is not None
        text = base64.urlsafe_b64encode(row.code).decode()

        with pytest.raises(DoesNotOpen):
            opening(ctx, EmployeeHired, row.id, text)


async def test_without_the_key_it_does_not_open_and_the_refusal_says_nothing_of_it(
    kernel: Suite, owner: TenantFacts
):
    subject = new_id()
    async with acting(kernel, owner) as ctx:
        private = await seal_fact(ctx, EmployeeHired, subject, FACTS)
        ours = ctx.tx.keyring
        ctx.tx.keyring = Keyring([os.urandom(32)], service="probe")

        with pytest.raises(DoesNotOpen) as refused:
            opening(ctx, EmployeeHired, subject, private)
        assert "hr.employee.hired.v1" in str(refused.value)
        assert private not in str(refused.value)
        ctx.tx.keyring = None
        with pytest.raises(LookupError):
            opening(ctx, EmployeeHired, subject, private)
        ctx.tx.keyring = ours


async def test_another_service_with_the_same_keys_opens_it(kernel: Suite, owner: TenantFacts):
    subject, key = new_id(), os.urandom(32)
    async with acting(kernel, owner) as ctx:
        ours = ctx.tx.keyring
        ctx.tx.keyring = Keyring([key], service="hr")
        private = await seal_fact(ctx, EmployeeHired, subject, FACTS)

        ctx.tx.keyring = Keyring([os.urandom(32), key], service="payroll")
        assert opening(ctx, EmployeeHired, subject, private) == FACTS
        ctx.tx.keyring = ours
        await ctx.sql.execute(
            "delete from sealing_keys where tenant_id = $1 and key_id = $2",
            owner.id,
            Keyring([key], service="hr").newest,
        )


@pytest.mark.parametrize("text", ["", "AQ", "not base64!", "ä", "A" * 4000, "AQ==\n", "=" * 8])
async def test_what_was_never_sealed_is_refused_whatever_it_is(kernel: Suite, owner: TenantFacts, text: str):
    async with acting(kernel, owner) as ctx:
        with pytest.raises(DoesNotOpen):
            opening(ctx, EmployeeHired, new_id(), text)


async def test_a_single_changed_sign_is_noticed(kernel: Suite, owner: TenantFacts):
    subject = new_id()
    async with acting(kernel, owner) as ctx:
        private = await seal_fact(ctx, EmployeeHired, subject, FACTS)
        for place in range(0, len(private), 7):
            other = "A" if private[place] != "A" else "B"
            with pytest.raises(DoesNotOpen):
                opening(ctx, EmployeeHired, subject, private[:place] + other + private[place + 1 :])


async def test_sealing_registers_the_key_so_that_a_process_without_it_does_not_start(
    kernel: Suite, owner: TenantFacts
):
    async with acting(kernel, owner) as ctx:
        await seal_fact(ctx, EmployeeHired, new_id(), FACTS)
        assert ctx.tx.keyring is not None

        known = await ctx.sql.fetchval(
            "select true from sealing_keys where tenant_id = $1 and key_id = $2",
            owner.id,
            ctx.tx.keyring.newest,
        )
    assert known

"""Sealing by itself: what opens where, what does not, and what is told of it."""

import base64
import secrets
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel
from sqlalchemy.dialects import postgresql

from shared.database.sealing import (
    BLOCK,
    DoesNotOpen,
    Keyring,
    Place,
    Sealed,
    SealedColumn,
    SealingKeysWrong,
)
from shared.values.ids import new_id

OLD, NEW = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
PLACE = Place(new_id(), "vaults", "account", new_id())
CANARY = "GB33BUKB20201555555555"


def keyring(*keys: str, service: str = "probe") -> Keyring:
    return Keyring.parse("\n".join(keys or (NEW,)), service=service)


@given(st.recursive(st.none() | st.booleans() | st.text(), lambda inner: st.dictionaries(st.text(), inner)))
def test_what_was_sealed_opens_where_it_was_sealed(value: object):
    assert keyring().open(PLACE, keyring().seal(PLACE, value)) == value


@pytest.mark.parametrize(
    "elsewhere",
    [
        replace(PLACE, tenant_id=new_id()),
        replace(PLACE, table="vault"),
        replace(PLACE, column="code"),
        replace(PLACE, row_id=new_id()),
        replace(PLACE, table='vaults","account', column=""),
    ],
)
def test_a_ciphertext_copied_elsewhere_does_not_open(elsewhere: Place):
    sealed = keyring().seal(PLACE, CANARY)

    with pytest.raises(DoesNotOpen, match="what was not sealed there") as refused:
        keyring().open(elsewhere, sealed)
    assert CANARY not in str(refused.value)


def test_another_services_ciphertext_does_not_open():
    with pytest.raises(DoesNotOpen):
        keyring(service="other").open(PLACE, keyring().seal(PLACE, CANARY))


def test_no_altered_bit_goes_unnoticed():
    sealed = keyring().seal(PLACE, CANARY)
    for at in range(len(sealed)):
        altered = Sealed(sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :])
        with pytest.raises(DoesNotOpen):
            keyring().open(PLACE, altered)


@pytest.mark.parametrize("cut", [0, 1, 9, 20, 21, 36])
def test_what_is_cut_short_does_not_open(cut: int):
    with pytest.raises(DoesNotOpen):
        keyring().open(PLACE, Sealed(keyring().seal(PLACE, CANARY)[:cut]))


def test_clear_text_in_a_sealed_column_is_never_taken_for_a_value():
    with pytest.raises(DoesNotOpen):
        keyring().open(PLACE, Sealed(b'"GB33BUKB20201555555555"'))


def test_a_value_sealed_again_looks_different_each_time():
    nonces = {bytes(keyring().seal(PLACE, CANARY)[9:21]) for _ in range(2000)}

    assert len(nonces) == 2000


def test_tenants_do_not_share_a_key():
    """Else nonces of all would count against one key's 2³²: the stream of one tenant's key is not another's."""
    ring = keyring()
    other = replace(PLACE, tenant_id=new_id())

    assert ring._cipher(ring.newest, PLACE.tenant_id).encrypt(b"n" * 12, b"x", b"") != ring._cipher(
        ring.newest, other.tenant_id
    ).encrypt(b"n" * 12, b"x", b"")


def test_lengths_tell_blocks_only():
    lengths = {len(keyring().seal(PLACE, "x" * size)) for size in range(BLOCK - 3)}

    assert len(lengths) == 1
    assert len(keyring().seal(PLACE, "x" * BLOCK)) == lengths.pop() + BLOCK


def test_the_first_key_seals_and_every_key_opens():
    before = keyring(OLD).seal(PLACE, CANARY)
    both = keyring(NEW, OLD)

    assert both.open(PLACE, before) == CANARY
    assert both.seal(PLACE, CANARY).key_id == both.newest == keyring(NEW).newest
    assert before.key_id == keyring(OLD).newest


def test_a_lost_key_is_named_and_the_ciphertext_is_not_handed_on():
    sealed = keyring(OLD).seal(PLACE, CANARY)

    with pytest.raises(DoesNotOpen) as refused:
        keyring(NEW).open(PLACE, sealed)

    assert sealed.key_id in str(refused.value)
    assert str(PLACE) in str(refused.value)


def test_a_key_has_its_id_whatever_stands_beside_it():
    assert keyring(NEW, OLD).ids == (keyring(NEW).newest, keyring(OLD).newest)


@pytest.mark.parametrize(
    "text",
    ["", "short", secrets.token_urlsafe(31), secrets.token_urlsafe(33), f"{NEW} §§§", f"{NEW},{NEW}"],
    ids=["none", "no key", "too short", "too long", "more than a key", "twice"],
)
def test_what_is_no_key_is_refused_without_being_told(text: str):
    with pytest.raises(SealingKeysWrong) as refused:
        Keyring.parse(text, service="probe")

    assert "BACKOFFICE_SEALING_KEYS" in str(refused.value)
    assert not [part for part in text.split() if part in str(refused.value)]


def test_keys_may_stand_on_lines_or_between_commas_with_or_without_padding():
    padded = base64.urlsafe_b64encode(base64.urlsafe_b64decode(NEW + "=")).decode()

    assert keyring(f"{padded}, {OLD}\n").ids == keyring(NEW, OLD).ids


def test_nothing_tells_keys_or_values():
    class Row(BaseModel):
        account: Sealed

    sealed = keyring().seal(PLACE, CANARY)

    assert NEW not in repr(keyring())
    assert str(sealed) == repr(sealed) == f"<sealed with {sealed.key_id}>"
    assert Row(account=sealed).model_dump_json() == f'{{"account":"<sealed with {sealed.key_id}>"}}'
    assert CANARY.encode() not in sealed


@pytest.mark.parametrize("clear", [CANARY, CANARY.encode(), 7])
def test_a_sealed_column_takes_nothing_in_clear(clear: object):
    with pytest.raises(TypeError, match="nothing else"):
        SealedColumn().process_bind_param(clear, postgresql.dialect())


def test_a_digest_cannot_be_tried_without_the_key():
    first, second = keyring(NEW).digests(b"x"), keyring(OLD).digests(b"x")

    assert keyring(NEW, OLD).digests(b"x") == [*first, *second]
    assert first != second

"""Masks say what they may and no more, and a masked field cannot be filled with a clear value."""

from typing import Annotated

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Secret, TypeAdapter, ValidationError

from shared.values.bank_fields import BankAccountIn, BankAccountOut, Iban
from shared.values.masked import (
    MASKS,
    STARS,
    ForCaller,
    Mask,
    NotMasked,
    mask,
    masked,
    masked_value,
    scopes_in,
)

ACCOUNT = {"holder": "Harbour Tea Ltd", "iban": "GB33BUKB20201555555555", "bic": "BUKBGB22"}


class Facts(BaseModel):
    account: Annotated[BankAccountOut | None, masked(scope="a:read")]
    tax_id: Annotated[str | None, masked(scope="t:read", kind="tax_id")] = None


@pytest.mark.parametrize(
    ("kind", "text", "shown"),
    [
        ("iban", "GB33BUKB20201555555555", "GB** **** **** 5555"),
        ("iban", "DE89 3704 0044 0532 0130 00", "DE** **** **** 3000"),
        ("iban", "GB33", "****"),
        ("tax_id", "QQ123456C", "****56C"),
        ("tax_id", "123", "****"),
        ("email", "jane.doe@mail.example.com", "j****@****.com"),
        ("email", "@", "****"),
        ("plain", "whatever", "********"),
    ],
)
def test_a_mask_shows_what_tells_values_apart_and_no_more(kind: str, text: str, shown: str):
    assert mask(kind, text) == shown


@given(st.sampled_from(sorted(MASKS)), st.text())
def test_no_masked_text_is_ever_taken_for_a_value(kind: str, text: str):
    shown = mask(kind, text)

    assert STARS in shown
    with pytest.raises(ValidationError) as refused:
        TypeAdapter(Secret[Annotated[str, NotMasked]]).validate_python(shown)
    assert refused.value.errors()[0]["type"] == "masked_value"


@given(st.text(min_size=1), st.text(min_size=1))
def test_a_plain_mask_does_not_tell_one_value_from_another(one: str, other: str):
    assert mask("plain", one) == mask("plain", other)


@pytest.mark.parametrize("kind", ["iban", "tax_id"])
def test_a_mask_does_not_tell_how_long_a_value_is(kind: str):
    assert len(mask(kind, "A" * 15)) == len(mask(kind, "A" * 34))


def test_a_masked_field_takes_nothing_but_what_was_made_for_the_caller():
    with pytest.raises(TypeError, match="for_caller"):
        Facts(account=ACCOUNT)
    with pytest.raises(TypeError, match="for_caller"):
        Facts.model_validate({"account": None, "tax_id": "QQ123456C"})

    assert Facts(account=ForCaller(ACCOUNT)).account == BankAccountOut(**ACCOUNT)
    assert "GB33" not in repr(ForCaller(ACCOUNT))


def test_an_object_is_masked_text_by_text():
    shown = Facts(account=ForCaller(masked_value(Facts, "account", ACCOUNT))).account

    assert shown == BankAccountOut(holder="********", iban="GB** **** **** 5555", bic="********")


class Ids(BaseModel):
    nino: Annotated[str, Mask("tax_id")] | None
    ssn: Annotated[str | None, Mask("tax_id")]


class Person(BaseModel):
    ids: Annotated[Ids | None, masked(scope="t:read")]


def test_a_mask_is_found_inside_a_union_and_outside_of_it():
    shown = masked_value(Person, "ids", {"nino": "QQ123456C", "ssn": "078-05-1120"})

    assert shown == {"nino": "****56C", "ssn": "****120"}


def test_the_schema_names_the_scope_and_says_it_is_sealed():
    properties = Facts.model_json_schema()["properties"]

    assert (properties["account"]["x-sealed"], properties["account"]["x-sealed-scope"]) == (True, "a:read")
    assert scopes_in(list[Facts]) == {"a:read", "t:read"}


@pytest.mark.parametrize("wrong", ["GB33BUKB20201555555556", "XX", "GB** **** **** 5555", 7, None])
def test_an_iban_with_wrong_check_digits_is_refused(wrong: object):
    with pytest.raises(ValidationError):
        TypeAdapter(Iban).validate_python(wrong)


def test_an_account_as_it_is_given_tells_nothing_by_itself():
    given_account = BankAccountIn.model_validate({**ACCOUNT, "iban": "gb33 bukb 2020 1555 5555 55"})

    for told in (repr(given_account), str(given_account), given_account.model_dump_json()):
        assert not [value for value in ACCOUNT.values() if value in told]
    assert given_account.clear() == ACCOUNT

"""Bank accounts of three kinds: one whole form, with right check digits, and nothing of them in a refusal."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from shared.values.bank_fields import AnyBankAccountIn, AnyBankAccountOut, BankAccountIn

IBAN = {"iban": "GB33 BUKB 2020 1555 5555 55", "bic": "BUKBGB22"}
UK = {"sort_code": "20-15-55", "account_number": "55555555"}
US = {"routing_number": "021000021", "account_number": "123456789", "kind": "checking"}


class Body(BaseModel):
    account: AnyBankAccountIn


def refused(**account: Any) -> list[tuple[str, str]]:
    """Where and why."""
    with pytest.raises(ValidationError) as found:
        Body.model_validate({"account": {"holder": "J Doe", **account}})
    return [("/".join(map(str, e["loc"])), e["type"]) for e in found.value.errors()]


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (IBAN, {"iban": "GB33BUKB20201555555555", "bic": "BUKBGB22"}),
        (UK, {"sort_code": "201555", "account_number": "55555555"}),
        (UK | {"sort_code": "20 15 55", "roll_number": "a/123-4"}, {"roll_number": "A/123-4"}),
        (US, US),
        (US | {"account_number": "1234", "kind": "savings"}, {"account_number": "1234", "kind": "savings"}),
    ],
)
def test_an_account_is_kept_compact_and_its_repr_says_nothing(given: dict[str, str], kept: dict[str, str]):
    account = AnyBankAccountIn.model_validate({"holder": "J Doe", **given})

    assert account.clear().items() >= ({"holder": "J Doe"} | kept).items()
    assert not any(value in repr(account) for value in kept.values())


@pytest.mark.parametrize(
    ("account", "error"),
    [
        (IBAN | {"iban": "GB33BUKB20201555555556"}, ("account/iban", "iban_format")),
        (IBAN | {"bic": "BUKB"}, ("account/bic", "bic_format")),
        (UK | {"sort_code": "20-15 55"}, ("account/sort_code", "sort_code_format")),
        (UK | {"sort_code": "2015555"}, ("account/sort_code", "sort_code_format")),
        (UK | {"account_number": "5555555x"}, ("account/account_number", "account_number_format")),
        (UK | {"account_number": "5555555"}, ("account", "account_number_format")),
        (UK | {"roll_number": "R" * 19}, ("account/roll_number", "roll_number_format")),
        (US | {"routing_number": "021000022"}, ("account/routing_number", "routing_number_format")),
        (US | {"routing_number": "٠٢١٠٠٠٠٢١"}, ("account/routing_number", "routing_number_format")),
        (US | {"account_number": "1" * 18}, ("account/account_number", "account_number_format")),
        (US | {"kind": "gold"}, ("account/kind", "literal_error")),
        (US | {"kind": "****"}, ("account/kind", "masked_value")),
        (UK | {"account_number": "****555"}, ("account/account_number", "masked_value")),
        ({}, ("account", "bank_account_form")),
        ({"bic": "BUKBGB22"}, ("account", "bank_account_form")),
        ({"sort_code": "201555"}, ("account", "bank_account_form")),
        ({k: v for k, v in US.items() if k != "kind"}, ("account", "bank_account_form")),
        (IBAN | UK, ("account", "bank_account_form")),
        (UK | US, ("account", "bank_account_form")),
        (UK | {"bic": "BUKBGB22"}, ("account", "bank_account_form")),
        (IBAN | {"swift": "x"}, ("account/swift", "extra_forbidden")),
    ],
)
def test_what_is_not_one_whole_account_is_refused_by_its_field(
    account: dict[str, str], error: tuple[str, str]
):
    assert refused(**account) == [error]


@given(
    st.dictionaries(st.sampled_from([*AnyBankAccountIn.model_fields]), st.text() | st.none() | st.integers())
)
def test_hostile_input_is_refused_or_kept_whole(account: dict[str, Any]):
    try:
        kept = AnyBankAccountIn.model_validate(account).clear()
    except ValidationError:
        return
    assert kept.keys() <= account.keys()


@pytest.mark.parametrize("routing", ["021000021", "011401533", "091000019"])
def test_one_wrong_digit_of_a_routing_number_is_noticed(routing: str):
    for place, digit in enumerate(routing):
        wrong = routing[:place] + str((int(digit) + 1) % 10) + routing[place + 1 :]
        assert refused(**US | {"routing_number": wrong})


def test_an_account_by_iban_is_the_same_for_those_who_take_no_other():
    given = {"holder": "J Doe", **IBAN}

    assert BankAccountIn.model_validate(given).clear() == AnyBankAccountIn.model_validate(given).clear()
    assert AnyBankAccountOut(holder="J Doe", iban="x").model_dump(exclude_none=True).keys() == {
        "holder",
        "iban",
    }

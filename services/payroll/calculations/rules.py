"""Rules of what-if calculations: what is paid is said once, and in the country's currency."""

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Final

from services.payroll.engine.inputs import Earning, EarningKind
from shared.values.faults import FieldError, Invalid
from shared.values.money import Money

MOST: Final = Decimal(1_000_000_000)
"""The largest amount of a request: 400 of them still sum to what money can say."""
GROSS = "gross"
"""The code of the one earning of a request that says `gross`."""
Amounts = Iterator[tuple[str, Money]]
"""Amounts of a request with the JSON pointers to them."""


class GrossOrEarnings(Invalid):
    """The pay is said not at all or twice: `gross` for a plain amount, `earnings` for more than one kind."""

    code = "gross_or_earnings"

    def __init__(self, *, both: bool) -> None:
        sentence = "Say either gross or earnings, not both." if both else "Say gross or earnings."
        super().__init__(sentence, errors=[FieldError("/gross", self.code, sentence)])


class OtherCurrency(Invalid):
    """An amount is not in the currency of the pack's country."""

    code = "currency_mismatch"

    def __init__(self, pack: str, currency: str, pointers: Sequence[str]) -> None:
        sentence = f"Pack {pack} pays in {currency}."
        super().__init__(
            sentence, errors=[FieldError(f"{p}/currency", self.code, sentence) for p in pointers]
        )


class AmountOutOfRange(Invalid):
    """An amount that nobody earns: sums of such could not be told any more."""

    code = "amount_out_of_range"


class ReservedCode(Invalid):
    """A code of the caller's begins as those of taxes do (`uk.paye`)."""

    code = "reserved_code"


def require_plausible(amounts: Amounts) -> None:
    """Refuse amounts beyond what a calculation takes, naming each."""
    odd = [pointer for pointer, money in amounts if abs(money.amount) > MOST]
    if odd:
        sentence = f"An amount is at most {MOST:,}."
        errors = [FieldError(f"{pointer}/amount", AmountOutOfRange.code, sentence) for pointer in odd]
        raise AmountOutOfRange(sentence, errors=errors)


def require_own_codes(packs: Iterable[str], codes: Iterator[tuple[str, str]]) -> None:
    """Refuse codes that are those of a pack's lines, naming each."""
    prefixes = tuple(f"{name}." for name in packs)
    odd = [pointer for pointer, code in codes if code.startswith(prefixes)]
    if odd:
        sentence = f"Codes that begin with {', '.join(prefixes)} are those of taxes."
        raise ReservedCode(sentence, errors=[FieldError(p, ReservedCode.code, sentence) for p in odd])


def require_currency(pack: str, currency: str, amounts: Amounts) -> None:
    """Refuse amounts in another currency, naming each."""
    odd = [pointer for pointer, money in amounts if money.currency != currency]
    if odd:
        raise OtherCurrency(pack, currency, odd)


def earnings_of(gross: Money | None, earnings: Sequence[Earning]) -> tuple[Earning, ...]:
    """The earnings that a request means; raises GrossOrEarnings."""
    if (gross is None) == (not earnings):
        raise GrossOrEarnings(both=gross is not None)
    if gross is None:
        return tuple(earnings)
    return (Earning(GROSS, EarningKind.REGULAR, gross.amount),)


def exact(amount: Decimal | None, currency: str) -> Money | None:
    """An amount as money; what the engine returns has no more decimals than its currency."""
    return None if amount is None else Money.of(amount, currency)

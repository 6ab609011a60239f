"""Rules of what-if calculations: what is paid is said once, and in the country's currency."""

from collections.abc import Iterator, Sequence
from decimal import Decimal

from services.payroll.engine.inputs import Earning, EarningKind
from shared.values.faults import FieldError, Invalid
from shared.values.money import Money

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

"""What stock refuses."""

from shared.values.faults import FieldError, Invalid, Refused


class InsufficientStock(Refused):
    """More is wanted than may be promised or taken away."""

    code = "insufficient_stock"


class NotOnHand(Refused):
    """Less lies there, by the last count, than is to leave."""

    code = "not_on_hand"


class StockChanged(Refused):
    """Somebody else moved stock since the caller counted."""

    code = "stock_changed"


class NotTracked(Refused):
    """The product is sold without stock."""

    code = "not_tracked"


class StockInUse(Refused):
    """The product cannot stop being tracked while some of it lies somewhere or is promised."""

    code = "stock_in_use"


class UnknownSku(Invalid):
    """There is no product of that SKU."""

    code = "unknown_sku"

    def __init__(self, sku: str) -> None:
        sentence = f"There is no product {sku}."
        super().__init__(sentence, errors=[FieldError("/sku", self.code, sentence)])


class UnknownWarehouse(Invalid):
    """There is no warehouse of that code."""

    code = "unknown_warehouse"

    def __init__(self, code: str) -> None:
        sentence = f"There is no warehouse {code}."
        super().__init__(sentence, errors=[FieldError("/warehouse", self.code, sentence)])


class StockRowMissing(RuntimeError):  # noqa: N818 - named by what is wrong
    """Stock was given back or shipped from where it never lay: a fault of ours, never of a caller."""

"""Who a file's orders are for: customers by the client company's reference, or by e-mail where it gives none."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from services.orders.customers import actions as customer_actions
from services.orders.customers import queries as customers
from services.orders.customers.rules import KnownCustomer, MissingCustomer
from services.orders.imports.rules import BILLING_FIELDS, CUSTOMER_FIELDS, Code, FileOrder, Problem
from shared.context.ctx import Ctx
from shared.values.texts import folded_email

# What a file says of a customer, as a customer has it.
FACTS = {"name": "customer_name", "email": "customer_email", "phone": "customer_phone", "country": "country"}


@dataclass(frozen=True, slots=True)
class Buyers:
    """The customers that are there, by what the file calls them; several where an address is that of several."""

    found: Mapping[str, Sequence[KnownCustomer]]

    def id_of(self, order: FileOrder) -> UUID:
        """The order's customer, of an order that was not refused."""
        return self.found[order.customer_ref][0].id

    def refusal(self, order: FileOrder) -> Problem | None:
        """Why the order has no customer, if it has none."""
        found = self.found.get(order.customer_ref, ())
        if len(found) == 1:
            return None
        ref = order.customer_ref
        code, text = Code.UNKNOWN_CUSTOMER, (
            f"There is no customer with the reference {ref}; add it, or let the option create_missing name customers."
        )  # fmt: skip
        if found:
            code, text = Code.SEVERAL_CUSTOMERS, (
                f"{len(found)} customers have the address {ref}; say by customer_ref which is meant."
            )  # fmt: skip
        return Problem(order.numbers[0], code, text, order.order_ref)

    def note(self, order: FileOrder) -> str:
        """What the file says of the customer that is not what the customer has, which is left as it is."""
        if not any(name in order.head for name in CUSTOMER_FIELDS):
            return ""
        known, said = self.found[order.customer_ref][0], _said(order)
        other = [
            FACTS.get(name, name)
            for name, value in said.items()
            if not _same(name, getattr(known, name), value)
        ]
        if not other:
            return ""
        return f"The customer was there and stays as it is; not taken from the file: {', '.join(other)}."


async def find_buyers(ctx: Ctx, orders: Sequence[FileOrder], *, create_missing: bool) -> Buyers:
    """The customers of some orders; those that are not there are added, where that is wanted."""
    by_ref = {order.customer_ref: order for order in reversed(orders)}
    if not by_ref:
        return Buyers({})
    found = await _known(ctx, by_ref)
    missing = [_missing(order) for ref, order in by_ref.items() if ref not in found]
    if create_missing and missing:
        await customer_actions.create_missing_customers(ctx, missing)
        found = await _known(ctx, by_ref)
    return Buyers(found)


async def _known(ctx: Ctx, by_ref: Mapping[str, FileOrder]) -> dict[str, list[KnownCustomer]]:
    found = {ref: [each] for ref, each in (await customers.find_by_external_ref(ctx, by_ref)).items()}
    emails = [ref for ref, order in by_ref.items() if ref not in found and _named_by_email(order)]
    if emails:
        found |= await customers.find_by_email(ctx, emails)
    return found


def _named_by_email(order: FileOrder) -> bool:
    return order.customer_ref == folded_email(order.head.get("customer_email", ""))


def _said(order: FileOrder) -> dict[str, Any]:
    """What the file says of the order's customer, by the names that a customer has for it."""
    said: dict[str, Any] = {
        ours: order.head[theirs] for ours, theirs in FACTS.items() if theirs in order.head
    }
    billing = order.address(BILLING_FIELDS)
    if billing:
        said["billing_address"] = {
            name: billing.get(name) for name in ("line1", "line2", "city", "region", "postal_code")
        } | {"country": said["country"]}
    return said


def _same(name: str, known: Any, said: Any) -> bool:  # noqa: ANN401 - texts and addresses
    if name == "email" and known is not None:
        return folded_email(known) == folded_email(said)
    return bool(known == said)


def _missing(order: FileOrder) -> MissingCustomer:
    said = dict.fromkeys((*FACTS, "billing_address")) | _said(order)
    name = said.pop("name") or f"Customer {order.customer_ref}"
    return MissingCustomer(external_ref=order.customer_ref, name=name, **said)

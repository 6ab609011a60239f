"""The letters to an order's customer, written of what the order says when they are sent."""

from services.orders.book import queries as book
from services.orders.book.rules import CONFIRMATION, SHIPPING_NOTICE
from services.orders.customers import queries as customers
from services.orders.fulfilment import queries as fulfilment_queries
from services.orders.mails.rules import (
    WORDS,
    confirmation_text,
    require_standing,
    shipping_text,
)
from shared.context.ctx import Ctx
from shared.mail.letters import Letter, Mail
from shared.mail.words import spoken


async def write_confirmation(ctx: Ctx, mail: Mail) -> Letter:
    """The confirmation of an order; refused when it was cancelled meanwhile."""
    order = await book.get_order(ctx, mail.aggregate_id)
    require_standing(order)
    buyer = await customers.get_customer(ctx, order.customer_id)
    language, seller = spoken(buyer.language), ctx.tenant.name
    return Letter(
        subject=WORDS[language].confirmed.format(number=order.number),
        text=confirmation_text(order, buyer=buyer.name, seller=seller, language=language),
        sender=seller,
        language=language,
    )


async def write_shipping_notice(ctx: Ctx, mail: Mail) -> Letter:
    """The notice that goods of an order have left, with parcels and tracking numbers."""
    fulfilment = await fulfilment_queries.get_fulfilment(ctx, mail.aggregate_id)
    order = await book.get_order(ctx, fulfilment.order_id)
    buyer = await customers.get_customer(ctx, order.customer_id)
    language, seller = spoken(buyer.language), ctx.tenant.name
    return Letter(
        subject=WORDS[language].shipped.format(number=order.number),
        text=shipping_text(order, fulfilment, buyer=buyer.name, seller=seller, language=language),
        sender=seller,
        language=language,
    )


LETTERS = {CONFIRMATION: write_confirmation, SHIPPING_NOTICE: write_shipping_notice}

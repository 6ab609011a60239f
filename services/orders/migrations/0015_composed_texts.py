"""What is compared is composed (NFC), e-mail addresses are found without case, and customers have a country.

Codes that become one stay two (`shared.database.composing`). Lines of orders follow their products, products their tax
codes, which billing respells by the same rule in the same order.
"""

from shared.database.alembic import run
from shared.database.composing import compose_codes, compose_texts, over_all_rows, refer

revision = "orders_0015"
down_revision = "orders_0014"

COUNTRY = "alter table customers add column country text;"
EMAILS = """
drop index customers_email;
create index customers_email on customers (tenant_id, lower(email), id);
"""
COUNTRIES = "update customers set country = billing_address->>'country' where billing_address is not null"
LINES = """
update order_lines l set sku = p.sku from products p
where p.tenant_id = l.tenant_id and p.id = l.product_id and l.sku is not nfc normalized
"""
CODES = {"products": "sku", "warehouses": "code", "customers": "external_ref", "orders": "external_ref"}


def upgrade() -> None:
    """Compose what is stored, then say which country a customer is in."""
    with over_all_rows(*CODES, "tax_codes", "order_lines"):
        for table, column in CODES.items():
            compose_codes(table, column)
        taxed = compose_codes("tax_codes", "code")
        refer("products", "tax_code", taxed)
        refer("order_lines", "tax_code", taxed)
        run(LINES)
        compose_texts(
            "customers", "name", "phone", "tax_id", documents=("billing_address", "shipping_address")
        )
        for table in ("products", "warehouses", "tax_codes"):
            compose_texts(table, "name")
        run(COUNTRY)
        run(COUNTRIES)
    run(EMAILS)

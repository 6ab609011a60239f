"""What is compared is composed (NFC); codes that become one stay two (`shared.database.composing`).

Accounts and what is posted to them are respelled together, past the triggers that keep postings from change: what they
say stays the same. Issued documents stay as they were issued.
"""

from dataclasses import asdict

from alembic import op
from sqlalchemy import text

from shared.database.composing import compose_codes, compose_texts, over_all_rows, refer

revision = "billing_0018"
down_revision = "billing_0017"

DRAFTS = """
update invoice_lines l set tax_code = :new from invoices i
where i.tenant_id = l.tenant_id and i.id = l.invoice_id and i.state = 'draft'
  and l.tenant_id = :tenant_id and l.tax_code = :old
"""
LEDGER = ("accounts", "postings", "open_items", "account_months")


def upgrade() -> None:
    """Compose what is stored."""
    with over_all_rows("customers", "sellers", "payments", "tax_codes", "invoices", "invoice_lines"):
        for each in compose_codes("tax_codes", "code"):
            op.get_bind().execute(text(DRAFTS), asdict(each))
        compose_texts("customers", "name", "tax_id", documents=("billing_address",))
        compose_texts("sellers", "tax_id", "registration_number", documents=("address",))
        compose_texts("payments", "method", "reference")
        compose_texts("tax_codes", "name")
    with over_all_rows(*LEDGER, triggers_off=True):
        accounts = compose_codes("accounts", "code")
        for table in LEDGER[1:]:
            refer(table, "account", accounts)
        compose_texts("accounts", "name")
        compose_texts("postings", documents=("dimensions",), key=("tenant_id", "entry_id", "line"))

"""The ledger's models say what its migration made."""

from services.billing.service import SERVICE
from shared.database.migrations import pending_differences

TABLES = {"accounts", "periods", "journal_entries", "postings", "open_items", "allocations", "account_months"}


async def test_the_models_equal_the_migrated_tables(database_url: str):
    found = await pending_differences(database_url, "billing", SERVICE.metadatas())

    assert [d for d in found if any(f"'{t}'" in repr(d) or f" {t}." in repr(d) for t in TABLES)] == []

from shared.migrations import pending_differences
from services.orders.service import SERVICE
async def test_d(suite):
    print(await pending_differences(suite.url, "orders", SERVICE.metadatas()))

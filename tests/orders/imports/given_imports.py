"""What tests of imports begin with: files of orders, sent and waited for."""

import json
from typing import Any

import httpx

from tests.kit.suite import eventually

HEADER = "order_ref,sku,description,quantity,unit_price,customer_ref,ordered_at,country\n"
OPTIONS = {"create_missing": ["products", "customers"], "confirm": True}


def row(
    ref: str = "A1", sku: str = "S1", quantity: object = 2, price: object = "1.50", customer: str = "C1"
) -> str:
    return f"{ref},{sku},Thing {sku},{quantity},{price},{customer},2026-03-01T10:00:00,GB\n"


async def given_import(
    orders: httpx.AsyncClient, content: str | bytes, *, headers: dict[str, str] | None = None, **options: Any
) -> dict[str, Any]:
    data = content.encode() if isinstance(content, str) else content
    answer = await orders.post(
        "/v1/order-imports",
        files={"file": ("orders.csv", data, "text/csv")},
        data={"options": json.dumps(OPTIONS | options)},
        headers=headers or {},
    )
    assert answer.status_code == 202, answer.text
    return answer.json()


async def finished(orders: httpx.AsyncClient, job: dict[str, Any]) -> dict[str, Any]:
    async def over() -> dict[str, Any] | None:
        found = (await orders.get(f"/v1/order-imports/{job['id']}")).json()
        return found if found["state"] not in ("pending", "running") else None

    return await eventually(over, within=60)


async def imported(orders: httpx.AsyncClient, content: str | bytes, **options: Any) -> dict[str, Any]:
    return await finished(orders, await given_import(orders, content, **options))


async def codes(orders: httpx.AsyncClient, job: dict[str, Any], status: str = "failed") -> dict[int, str]:
    page = (await orders.get(f"/v1/order-imports/{job['id']}/rows?status={status}&limit=200")).json()
    return {r["row"]: r["code"] for r in page["items"]}

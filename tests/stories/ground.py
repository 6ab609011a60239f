"""A client company with at least one of everything, whose ids calls and probes can use."""

import asyncio
from typing import Any

import httpx

from tests.gateway.world import Caller, World
from tests.kit.suite import eventually
from tests.stories.conformance import Ground
from tests.stories.ground_of_people import furnish_people
from tests.stories.steps import ADDRESS, made

IMPORT = b"order_ref,sku,quantity,unit_price,customer_ref\nR-1,SKU-0,1,1.00,C-1\nR-2,SKU-0,-1,1.00,C-1\n"


async def ids_of(api: httpx.AsyncClient, path: str) -> list[str]:
    """The ids a list shows."""
    answer = await api.get(path, params={"limit": 200})
    assert answer.status_code == 200, (path, answer.text)
    return [item["id"] for item in answer.json()["items"]]


async def furnish(api: httpx.AsyncClient) -> None:
    """Trade a little: a draft, a hold, shipments, invoices, payments, credit, an import, a posting exception."""
    customers = [
        (await made(api, "/v1/customers", {"name": f"Customer {n}", "billing_address": ADDRESS}))["id"]
        for n in range(2)
    ]
    for n in range(3):
        price = {"amount": "9.99", "currency": "GBP"}
        await made(api, "/v1/products", {"sku": f"SKU-{n}", "name": f"Product {n}", "unit_price": price})
        await made(api, "/v1/stock-adjustments", {"sku": f"SKU-{n}", "delta": 500, "reason": "delivery"})
    await made(api, "/v1/warehouses", {"code": "NORTH", "name": "North"})
    for n in range(8):
        lines = [{"sku": f"SKU-{n % 3}", "quantity": 2}, {"sku": "SKU-0", "quantity": 1}]
        wish = {"customer_id": customers[n % 2], "lines": lines, "confirm": n > 0}
        order = await made(api, "/v1/orders", wish)
        if n in (1, 2):
            await made(api, f"/v1/orders/{order['id']}/holds", {"reason": "credit check"})
        elif n > 3:
            work = (await api.get("/v1/fulfilments", params={"order_id": order["id"]})).json()["items"]
            await made(api, f"/v1/fulfilments/{work[0]['id']}/ship")
    await eventually(lambda: _invoices(api, 4))
    await _import(api)
    await _draft_invoice(api, customers[0])
    invoices = (await api.get("/v1/invoices?state=finalized")).json()["items"]
    gross = invoices[0]["totals"]["gross"]
    share = [{"invoice_id": invoices[0]["id"], "amount": gross}]
    payment = {"customer_id": invoices[0]["customer_id"], "amount": gross}
    await made(api, "/v1/payments", payment | {"allocations": share})
    await made(api, "/v1/payments", payment)
    await made(api, "/v1/credit-notes", {"invoice_id": invoices[0]["id"], "reason": "broken"})
    await _approvals(api, invoices[1]["id"])
    await _held_shipment(api, customers[0])


async def _approvals(api: httpx.AsyncClient, invoice_id: str) -> None:
    """A void that waits for approval, and somebody who decides in our place."""
    limit = {"void_approval_limit": {"amount": "0.00", "currency": "GBP"}}
    settings = await api.patch("/v1/invoice-settings", json=limit, headers={"if-match": "1"})
    assert settings.status_code == 200, settings.text
    await made(api, f"/v1/invoices/{invoice_id}/void")
    times = {"starts_at": "2026-01-01T00:00:00Z", "ends_at": "2100-01-01T00:00:00Z"}
    await made(api, "/v1/billing-approval-delegations", {"delegate": "somebody", **times})


async def _draft_invoice(api: httpx.AsyncClient, customer_id: str) -> None:
    line = {"description": "Work", "quantity": 1, "tax_code": "standard",
            "unit_price": {"amount": "5.00", "currency": "GBP"}}  # fmt: skip

    async def drafted() -> bool:
        # Facts of a company that billing has not been told of yet are taken again a second later.
        answer = await api.post("/v1/invoices", json={"customer_id": customer_id, "lines": [line]})
        assert answer.status_code == 201 or "unknown_customer" in answer.text, answer.text
        return answer.status_code == 201

    await eventually(drafted)


async def _invoices(api: httpx.AsyncClient, wanted: int) -> bool:
    return len(await ids_of(api, "/v1/invoices")) >= wanted


async def _import(api: httpx.AsyncClient) -> None:
    job = await made(
        api, "/v1/order-imports", None, files={"file": ("orders.csv", IMPORT, "text/csv")},
        data={"options": '{"create_missing": ["customers"]}'},
    )  # fmt: skip

    async def done() -> bool:
        return (await api.get(f"/v1/order-imports/{job['id']}")).json()["state"] == "done"

    await eventually(done)


async def _held_shipment(api: httpx.AsyncClient, customer_id: str) -> None:
    """Close every month, ship, and open them again, newest first: the shipment is a posting exception."""
    periods = await ids_of(api, "/v1/periods?state=open")
    await made(api, f"/v1/periods/{periods[0]}/close", {"through": True})
    wish = {"customer_id": customer_id, "lines": [{"sku": "SKU-0", "quantity": 1}], "confirm": True}
    order = await made(api, "/v1/orders", wish)
    work = (await api.get("/v1/fulfilments", params={"order_id": order["id"]})).json()["items"]
    await made(api, f"/v1/fulfilments/{work[0]['id']}/ship")
    await eventually(lambda: ids_of(api, "/v1/posting-exceptions"))
    for period in periods:
        await made(api, f"/v1/periods/{period}/reopen", {"reason": "a shipment came late"})


COLLECTIONS = {
    "product_id": "products", "customer_id": "customers", "warehouse_id": "warehouses",
    "movement_id": "stock-adjustments", "order_id": "orders", "fulfilment_id": "fulfilments",
    "import_id": "order-imports", "account_id": "accounts", "entry_id": "journal-entries",
    "period_id": "periods", "tax_code_id": "tax-codes", "invoice_id": "invoices", "payment_id": "payments",
    "credit_note_id": "credit-notes", "exception_id": "posting-exceptions",
    "approval_id": "billing-approvals", "delegation_id": "billing-approval-delegations",
    "employee_id": "employees", "position_id": "positions", "schedule_id": "pay-schedules", "payee_id": "payees",
    "item_id": "pay-items", "run_id": "pay-runs", "payslip_id": "payslips",
}  # fmt: skip


async def all_ids(api: httpx.AsyncClient) -> dict[str, list[str]]:
    """By parameter name: the ids of everything a company has, down to lines, holds and dead letters."""
    found = await asyncio.gather(*(ids_of(api, f"/v1/{c}") for c in COLLECTIONS.values()))
    ids = dict(zip(COLLECTIONS, found, strict=True))
    orders = (await api.get("/v1/orders?limit=200")).json()["items"]
    invoices = (await api.get("/v1/invoices?limit=200")).json()["items"]
    ids["hold_id"] = [hold["id"] for order in orders for hold in order["holds"]]
    ids["order_line_id"] = [line["id"] for order in orders for line in order["lines"]]
    ids["invoice_line_id"] = [line["id"] for invoice in invoices for line in invoice["lines"]]
    return ids


async def prepared_ground(world: World, caller: Caller) -> Ground:
    """A furnished company for the calls, and another that operators may change."""
    await furnish(caller.http)
    await furnish_people(caller.http)
    ids = await all_ids(caller.http)
    ids |= {
        "sku": ["SKU-0", "SKU-1", "SKU-2"],
        "warehouse": ["MAIN", "NORTH"],
        "tax_code": ["standard", "zero"],
    }
    ids |= {"account": ["4000", "6300"], "time_zone": ["Europe/London"], "scopes": ["orders:read"]}
    victims = [await world.given_tenant(name=f"Victim {n}") for n in range(3)]
    ids["tenant_id"] = [tenant["id"] for tenant in victims]
    operator = await world.operator()
    return Ground(
        asyncio.get_running_loop(), caller.http, operator, ids, await _belonging(world, caller, ids, victims)
    )


async def _belonging(
    world: World, caller: Caller, ids: dict[str, list[str]], victims: list[dict[str, Any]]
) -> dict[str, list[dict[str, str]]]:
    """Ids that only together make a path."""
    orders = (await caller.http.get("/v1/orders?limit=200")).json()["items"]
    operator, wanted = await world.operator(), {"name": "x", "scopes": ["orders:read"]}
    clients = [await made(operator, f"/v1/tenants/{tenant['id']}/clients", wanted) for tenant in victims]
    keys = [await world.given_key(tenant, "orders:read") for tenant in victims]
    client_paths = [
        {"tenant_id": t["id"], "client_id": c["id"]} for t, c in zip(victims, clients, strict=True)
    ]
    client = "/v1/tenants/{tenant_id}/clients/{client_id}"
    return (
        await _of_employees(caller, ids)
        | {
            "/v1/orders/{order_id}/holds/{hold_id}/release": [
                {"order_id": order["id"], "hold_id": hold["id"]}
                for order in orders
                for hold in order["holds"]
            ],
            client: client_paths,
            f"{client}/rotate-secret": client_paths,
            "/v1/tenants/{tenant_id}/api-keys/{key_id}": [
                {"tenant_id": t["id"], "key_id": k["id"]} for t, k in zip(victims, keys, strict=True)
            ],
        }
        | {
            f"/v1/{collection}/{{resource_id}}/timeline": [{"resource_id": one} for one in ids[name]]
            for name, collection in COLLECTIONS.items()
        }
    )


async def _of_employees(caller: Caller, ids: dict[str, list[str]]) -> dict[str, list[dict[str, str]]]:
    """Changes and employments, each with its employee."""
    found: dict[str, list[dict[str, str]]] = {}
    for name, collection in (("change_id", "changes"), ("employment_id", "employments")):
        pairs = [
            {"employee_id": employee, name: one}
            for employee in ids["employee_id"]
            for one in await ids_of(caller.http, f"/v1/employees/{employee}/{collection}")
        ]
        path = f"/v1/employees/{{employee_id}}/{collection}/{{{name}}}"
        found |= {path: pairs, f"{path}/approve": pairs, f"{path}/reject": pairs}
    return found

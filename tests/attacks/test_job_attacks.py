"""A company queues long jobs: another one's job begins and ends while they still wait."""

import json
from typing import Any

from tests.attacks.bystander import Company, Target
from tests.kit.suite import eventually

HEADER = "order_ref,sku,description,quantity,unit_price,customer_ref\n"
OPTIONS = {"create_missing": ["products", "customers"], "confirm": True}
ORDERS_EACH = 4_000
"""An import of so many is at work far longer than it takes to queue another one."""


async def imported(company: Company, name: str, *, orders: int) -> str:
    """Queue an import; answers its id."""
    lines = "".join(f"{name}-{n},SKU{n % 7},Thing {n % 7},1,1.50,C{n % 5}\n" for n in range(orders))
    answer = await company.http.post(
        "/v1/order-imports",
        files={"file": (f"{name}.csv", (HEADER + lines).encode(), "text/csv")},
        data={"options": json.dumps(OPTIONS)},
    )
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


async def job(company: Company, job_id: str) -> dict[str, Any]:
    answer = await company.http.get(f"/v1/orders-jobs/{job_id}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def in_state(company: Company, state: str) -> list[str]:
    """The company's jobs in a state, of all services."""
    page = (await company.http.get(f"/v1/jobs?state={state}&limit=200")).json()
    assert page["missing"] == []
    return [each["id"] for each in page["items"]]


async def a_queue(company: Company, *, depth: int) -> list[str]:
    """Queue long imports until so many wait; answers those that wait, oldest first."""
    waiting: list[str] = []
    count = 0
    while len(waiting) < depth:
        await imported(company, f"crowd{count}", orders=ORDERS_EACH)
        count += 1
        waiting = await in_state(company, "pending")
    return waiting


async def test_a_bystanders_job_ends_while_long_ones_of_another_company_still_wait(target: Target):
    crowd, bystander = await target.company(), await target.company()
    queued = await a_queue(crowd, depth=8)

    mine = await imported(bystander, "mine", orders=3)

    async def done() -> bool:
        return (await job(bystander, mine))["state"] == "done"

    await eventually(done, within=60)
    waiting, running = await in_state(crowd, "pending"), await in_state(crowd, "running")

    assert len(set(waiting) & set(queued)) > len(queued) // 2
    assert len(running) <= 1
    ours = (await bystander.http.get("/v1/orders")).json()["items"]
    assert len(ours) == 3

"""Orders, customers and products are found by what the desk is told on the phone, whichever way the search takes."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from services.orders.book.queries import LISTED
from shared.context import search_terms
from shared.context.ctx import Ctx, TenantFacts
from shared.http import finding
from shared.http.paging import LAST_ID
from shared.values.ids import new_id
from shared.values.search_text import Sought, fold, terms_of
from tests.kit.suite import Suite
from tests.orders.given import given_customer, given_order, given_product
from tests.shared.given_notes import execute

PEOPLE = [
    {
        "name": "The Acme Ltd",
        "email": "office@acme.co.uk",
        "phone": "+44 20 7946 0958",
        "external_ref": "C-17",
    },
    {"name": "Jürgen Müller", "email": "j.mueller@example.de", "phone": "0049 (30) 901820"},
    {"name": "Acme Müllabfuhr GmbH", "email": "post@example.de"},
    {"name": "Jane O'Brien", "phone": "020 7946 1111"},
    {"name": "Zoë Łukasz", "email": "zoe@acme.example"},
]
ASKED = [
    "acme", "ACME L", "ltd acme", "muller", "müll", "o'brien", "obrien", "zoe luk", "office@acme", "02079460958",
    "+44 20 7946 0958", "030 901", "c-17", "so-", "SO-2", "web-1", "WEB-10", "a", "j", "e", "nobody", "acme nobody",
    "--",
]  # fmt: skip
# Which way a search takes depends on how much fits; here each way is taken with the same rows.
WAYS = {
    "by index": {},
    "walking": {"MOST_READ": 0, "WALKED": 4},
    "walking far": {"MOST_READ": 0, "WALKED": 1000},
    "by index, with few customers": {"MOST_OWNERS": 1, "WALKED": 3},
    "walking, with nothing that can be put in order": {"MOST_READ": 0, "WALKED": 4, "MOST_SORTED": 0},
}


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    for name, value in WAYS[request.param].items():
        for module in (finding, search_terms):
            monkeypatch.setattr(module, name, value, raising=False)
    return str(request.param)


@pytest.fixture
async def desk(orders: httpx.AsyncClient) -> list[dict[str, Any]]:
    """Orders of each customer, some with references; those that are confirmed have numbers."""
    sku = (await given_product(orders, tracked=False))["sku"]
    customers = [await given_customer(orders, **facts) for facts in PEOPLE]
    return [
        await given_order(
            orders, {sku: 1}, customer_id=customers[n % 5]["id"], confirm=n % 3 > 0, channel=("web", "phone")[n % 2],
            **({"external_ref": f"WEB-{100 + n}"} if n % 4 == 0 else {}),
        ) | {"customer": PEOPLE[n % 5]}
        for n in range(15)
    ]  # fmt: skip


async def listed(client: httpx.AsyncClient, path: str, **query: Any) -> list[dict[str, Any]]:
    """All pages of a list; none is longer than asked for, and together they have no row twice."""
    rows: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    for _ in range(200):
        answer = await client.get(path, params={"limit": 4} | query | cursor)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        assert len(page["items"]) <= 4
        rows += page["items"]
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
    ids = [row["id"] for row in rows]
    assert ids == sorted(set(ids), reverse=True)
    return rows


def fits(asked: str, order: dict[str, Any]) -> bool:
    """What `q` promises, told without any index."""
    sought, customer = Sought.of(asked), order["customer"]
    terms = terms_of(
        customer["name"], customer.get("email"), customer.get("external_ref"), phones=[customer.get("phone")]
    )
    words = any(all(any(term.startswith(word) for term in terms) for word in way) for way in sought.ways)
    texts = [order["number"], order["external_ref"]]
    return words or any(text is not None and fold(text).startswith(sought.text) for text in texts)


async def test_each_way_finds_the_same_orders_page_by_page(
    way: str, orders: httpx.AsyncClient, desk: list[dict[str, Any]]
):
    for asked in ASKED:
        for view in ("full", "summary"):
            found = await listed(orders, "/v1/orders", q=asked, view=view)

            wanted = {order["id"] for order in desk if fits(asked, order)}
            assert {order["id"] for order in found} == wanted, asked


async def test_a_search_is_narrowed_down_by_filters(
    way: str, orders: httpx.AsyncClient, desk: list[dict[str, Any]]
):
    found = await listed(orders, "/v1/orders", q="acme", state=["draft", "cancelled"], channel="web")
    of_one = await listed(orders, "/v1/orders", q="a", customer_id=desk[0]["customer_id"])

    acme = [order for order in desk if fits("acme", order)]
    wanted = {order["id"] for order in acme if order["state"] == "draft" and order["channel"] == "web"}
    assert {order["id"] for order in found} == wanted
    assert len(wanted) > 0
    assert {order["id"] for order in of_one} == {desk[n]["id"] for n in (0, 5, 10)}


async def test_customers_are_found_and_follow_their_changes(way: str, orders: httpx.AsyncClient):
    acme, jane = [await given_customer(orders, **PEOPLE[n]) for n in (0, 3)]

    async def found(q: str) -> list[str]:
        return [row["id"] for row in await listed(orders, "/v1/customers", q=q)]

    assert await found("acme lt") == await found("79460958") == await found("c-17") == [acme["id"]]
    assert await found("020 7946") == [jane["id"], acme["id"]]
    change = {"name": "Apex Ltd", "phone": None}
    headers = {"if-match": str(acme["version"])}
    answer = await orders.patch(f"/v1/customers/{acme['id']}", json=change, headers=headers)
    assert answer.status_code == 200
    assert await found("acme ltd") == await found("apex") == [acme["id"]]
    assert await found("office@acme") == [acme["id"]]
    assert await found("020 7946 0958") == []


async def test_products_are_found_by_the_words_of_sku_and_name(way: str, orders: httpx.AsyncClient):
    mug = await given_product(orders, "MUG-RED-01", name="Mug, red")
    cup = await given_product(orders, "CUP-RED-01", name="Tasse à café")

    async def found(q: str) -> list[str]:
        return [row["sku"] for row in await listed(orders, "/v1/products", q=q)]

    assert await found("mug-red") == await found("mugred") == [mug["sku"]]
    assert await found("red") == [cup["sku"], mug["sku"]]
    assert await found("cafe") == [cup["sku"]]
    changed = await orders.patch(
        f"/v1/products/{cup['id']}", json={"name": "Bowl"}, headers={"if-match": str(cup["version"])}
    )
    assert changed.status_code == 200
    assert (await found("cafe"), await found("bowl"), await found("cup")) == ([], [cup["sku"]], [cup["sku"]])


async def test_a_company_finds_nothing_of_another(
    way: str, suite: Suite, stranger: TenantFacts, desk: list[dict[str, Any]]
):
    theirs = suite.client("orders", stranger)

    for asked in ASKED:
        for path in ("/v1/orders", "/v1/customers", "/v1/products"):
            assert await listed(theirs, path, q=asked) == []


async def test_a_cursor_belongs_to_its_search(orders: httpx.AsyncClient, desk: list[dict[str, Any]]):
    query = {"limit": 1, "q": "acme", "state": ["draft", "confirmed"]}
    cursor = (await orders.get("/v1/orders", params=query)).json()["next"]

    for other in ({"q": "acm"}, {"state": ["draft"]}, {"view": "summary"}):
        answer = await orders.get("/v1/orders", params=query | other | {"cursor": cursor})
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_cursor")


@pytest.mark.parametrize("q", ["", " ", "x" * 201, "a\nb"])
async def test_a_search_for_nothing_or_for_much_too_much_is_refused(q: str, orders: httpx.AsyncClient):
    answer = await orders.get("/v1/orders", params={"q": q})

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/query/q")


async def test_orders_are_found_by_number_ids_and_the_tenants_days(way: str, suite: Suite):
    tokyo = suite.client(
        "orders", await suite.new_tenant(time_zone="Asia/Tokyo", currency="JPY", country="JP")
    )
    sku = (await given_product(tokyo, tracked=False, price="1000", currency="JPY"))["sku"]
    midnight = datetime(2026, 3, 1, 15, tzinfo=UTC)  # of 2 March in Tokyo
    moments = [midnight + timedelta(seconds=seconds) for seconds in (-1, 0, 86_399, 86_400)]
    made = [
        await given_order(tokyo, {sku: 1}, confirm=True, ordered_at=moment.isoformat()) for moment in moments
    ]

    async def found(**query: Any) -> list[int]:
        ids = [order["id"] for order in made]
        return sorted(ids.index(row["id"]) for row in await listed(tokyo, "/v1/orders", **query))

    days = {"from": "2026-03-02", "to": "2026-03-02"}
    assert await found(**days) == await found(**days, q="so-") == [1, 2]
    assert await found(**{"from": "2026-03-02"}) == [1, 2, 3]
    assert await found(to="2026-03-01") == [0]
    assert await found(number=made[2]["number"]) == [2]
    assert await found(ids=[made[0]["id"], made[3]["id"], str(new_id())]) == [0, 3]
    assert await found(state=["confirmed", "completed"], channel=["api", "web"], **days) == [1, 2]
    assert await found(state=["draft", "completed"], q="so-") == []
    assert await found(ids=[made[0]["id"]], number=made[1]["number"]) == []


async def test_a_summary_is_lean_and_says_what_a_list_on_a_screen_shows(
    orders: httpx.AsyncClient, desk: list[dict[str, Any]]
):
    held = await orders.post(f"/v1/orders/{desk[1]['id']}/holds", json={"reason": "address"})
    assert held.status_code == 200

    rows = {row["id"]: row for row in await listed(orders, "/v1/orders", view="summary")}

    assert rows.keys() == {order["id"] for order in desk}
    for order in desk:
        row = rows[order["id"]]
        assert not row.keys() & {"lines", "holds", "fulfilments", "tax_breakdown", "totals"}
        assert (row["customer_name"], row["gross"]) == (order["customer"]["name"], order["totals"]["gross"])
        assert (row["number"], row["state"]) == (order["number"], order["state"])
    assert [id_ for id_, row in rows.items() if row["on_hold"]] == [desk[1]["id"]]


MANY = """
insert into orders.orders select (jsonb_populate_record(o, jsonb_build_object('id', gen_random_uuid(),
  'number', 'SO-1999-' || n, 'external_ref', 'OLD-' || n, 'search_ref', 'old-' || n))).*
from orders.orders o, generate_series(1, 5000) n where o.id = '{}'
"""
SOME = """
insert into customer_terms (tenant_id, customer_id, term)
select $1, gen_random_uuid(), 'e' || n from generate_series(1, 20000) n
"""


@pytest.fixture
async def large_desk(suite: Suite, desk: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The desk among so many orders that the planner knows which index is worth what."""
    await execute(suite.url, MANY.format(desk[1]["id"]))  # of a customer who is no Acme
    await execute(suite.url, "analyze orders.orders")
    return desk


async def test_a_search_that_nearly_everything_fits_reads_no_more_than_its_bound(
    suite: Suite, tenant: TenantFacts, large_desk: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
):
    """By PostgreSQL's own count of what each part of the plan has read, under the settings of requests."""
    monkeypatch.setattr(finding, "WALKED", 6)
    async with suite.work("orders", tenant) as ctx:
        await ctx.sql.execute(SOME, tenant.id)
    await execute(suite.url, "analyze orders.customer_terms")

    async with suite.work("orders", tenant) as ctx:
        source = finding.Source(LISTED, finding.Where(ctx), LAST_ID)
        plan = await explained(ctx, *finding.walking(source, Sought.of("e nobody"), most=51))

    (orders_read,) = [node for node in nodes(plan) if node.get("Relation Name") == "orders"]
    terms_read = [node for node in nodes(plan) if node.get("Relation Name") == "customer_terms"]
    assert (orders_read["Actual Rows"] * orders_read["Actual Loops"], orders_read["Index Name"]) == (
        6,
        "orders_pkey",
    )
    assert "Sort" not in {node["Node Type"] for node in nodes(plan)}
    assert {node["Index Name"] for node in terms_read} == {"customer_terms_pkey"}
    assert all(node["Rows Removed by Filter"] == 0 for node in terms_read if "Filter" in node)
    assert max(node["Actual Rows"] for node in terms_read) <= 1


async def test_a_search_that_little_fits_reads_that_by_index(
    suite: Suite, tenant: TenantFacts, desk: list[dict[str, Any]]
):
    async with suite.work("orders", tenant) as ctx:
        owners = await LISTED.terms[0].owners(ctx, Sought.of("acme ltd"), most=5)
        source = finding.Source(LISTED, finding.Where(ctx), LAST_ID)
        plan = await explained(ctx, *finding.exact(source, Sought.of("acme ltd"), owners or [], most=51))

    read = [node for node in nodes(plan) if node.get("Relation Name") == "orders"]
    assert len(owners or []) == 1
    assert len(read) == 3  # by number, by reference, and of the one customer
    assert {node["Node Type"] for node in read} <= {"Index Scan", "Index Only Scan"}


async def explained(ctx: Ctx, statement: str, values: Sequence[object]) -> Any:
    """The plan that is kept for a statement, with what it has read."""
    kinds = ["uuid[]" if isinstance(v, list) else "text" if isinstance(v, str) else "uuid" for v in values]
    given = [f"array{[str(each) for each in v]}::uuid[]" if isinstance(v, list) else f"'{v}'" for v in values]
    await ctx.sql.execute(f"prepare asked({', '.join(kinds)}) as {statement}")
    try:
        return await ctx.sql.fetchval(f"explain (analyze, format json) execute asked({', '.join(given)})")
    finally:
        await ctx.sql.execute("deallocate asked")


def nodes(plan: Any) -> list[dict[str, Any]]:
    """All parts of a plan."""

    def below(node: dict[str, Any]) -> list[dict[str, Any]]:
        return [node, *(found for each in node.get("Plans", ()) for found in below(each))]

    return below(plan[0]["Plan"])

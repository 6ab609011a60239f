"""A client generated of the OpenAPI document takes an order and reads its invoice."""

import importlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import openapi_python_client
import orjson
import pytest
from openapi_python_client.config import Config, ConfigFile, MetaType

from tests.architecture.source import ROOT
from tests.architecture.test_openapi import DOCUMENT, OPERATIONS
from tests.gateway.world import Caller
from tests.kit.suite import eventually

CONFIG = ROOT / "docs" / "openapi-python-client.yml"
NAME = "generated_backoffice_client"


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    """The client; whatever the generator would leave out fails the test."""
    folder = tmp_path_factory.mktemp("client")
    source = folder / "openapi.json"
    source.write_bytes(orjson.dumps(DOCUMENT))
    settings = ConfigFile.load_from_path(CONFIG)
    settings.post_hooks = []  # formatting is for readers
    config = Config.from_sources(
        settings, MetaType.NONE, source, "utf-8", overwrite=True, output_path=folder / NAME
    )
    found = openapi_python_client.generate(config=config)
    assert [(error.header, error.detail) for error in found] == []
    sys.path.insert(0, str(folder))
    yield importlib.import_module(NAME)
    sys.path.remove(str(folder))


def test_every_operation_has_its_function_with_an_answer(generated: ModuleType):
    made = {path.stem: path for path in Path(str(generated.__file__)).parent.glob("api/*/*.py")}

    assert made.keys() - {"__init__"} == {operation["operationId"] for operation in OPERATIONS.values()}
    silent = {
        name for name, path in made.items()
        if name != "__init__" and not re.search(r"def _parse_response\(.*\) -> (?!Any \| None)", path.read_text())
    }  # fmt: skip
    assert silent == set()


async def test_it_takes_an_order_and_reads_its_invoice(generated: ModuleType, acme: Caller):
    models = importlib.import_module(f"{NAME}.models")
    client = generated.AuthenticatedClient(base_url="http://gateway", token="in the headers of the caller")
    client.set_async_httpx_client(acme.http)

    async def call(tag: str, name: str, **arguments: Any) -> Any:
        done = await importlib.import_module(f"{NAME}.api.{tag}.{name}").asyncio(client=client, **arguments)
        assert not isinstance(done, models.Problem), done
        return done

    price = models.Money(amount="10.00", currency=models.MoneyCurrency.GBP)
    customer = await call("customers", "create_customer", body=models.CustomerIn(name="The Corner Café"))
    await call("products", "create_product", body=models.ProductIn(sku="TEA", name="Tea", unit_price=price))
    await call(
        "stock",
        "adjust_stock",
        body=models.StockAdjustmentIn(sku="TEA", delta=5, reason="Opening"),
    )
    line = models.OrderLineIn(sku="TEA", quantity=3)
    order = await call(
        "orders", "create_order", body=models.OrderIn(customer_id=customer.id, lines=[line], confirm=True)
    )
    await call("fulfilments", "ship_fulfilment", fulfilment_id=order.fulfilments[0].id, body=models.ShipIn())

    async def invoiced() -> Any:
        return (await call("invoices", "list_invoices", order_id=order.id)).items

    (invoice,) = await eventually(invoiced)
    paper = await call("invoices", "get_invoice_pdf", invoice_id=invoice.id)

    assert (order.state, order.totals.net.amount) == (models.OrderState.CONFIRMED, "30.00")
    assert (invoice.customer.name, invoice.totals.gross.amount) == ("The Corner Café", "36.00")
    assert paper.payload.read(5) == b"%PDF-"


async def test_a_refusal_is_a_problem_that_it_can_read(generated: ModuleType, acme: Caller):
    models = importlib.import_module(f"{NAME}.models")
    client = generated.Client(base_url="http://gateway").set_async_httpx_client(acme.http)
    get = importlib.import_module(f"{NAME}.api.orders.get_order")

    answer = await get.asyncio_detailed("00000000-0000-7000-8000-000000000000", client=client)

    assert isinstance(answer.parsed, models.Problem)
    assert (answer.status_code, answer.parsed.code) == (httpx.codes.NOT_FOUND, "not_found")

"""Run by the Python that has Tryton: make its database and what order to cash needs, print the ids as JSON.

usage: tryton_setup.py SOCKET_DIR DATABASE FOLDER

One company with a chart of accounts, a fiscal year, 10 % tax, 50 customers, 20 products with stock; modules sale,
stock and account_invoice. trytond's own test tools make company and accounts, as its scenario tests do.
"""

import datetime
import json
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path


def main(socket: str, database: str, folder: Path) -> None:
    config_file, password_file = folder / "trytond.conf", folder / "password"
    config_file.write_text(
        f"[database]\nuri = postgresql://postgres@/?host={socket}\nmaxconn = 64\n[password]\nlength = 4\n"
    )
    password_file.write_text("admin-bench-pw")
    os.environ |= {"TRYTOND_CONFIG": str(config_file), "TRYTONPASSFILE": str(password_file)}
    admin = Path(sys.executable).parent / "trytond-admin"
    modules = ("ir", "res", "sale", "stock", "account_invoice")
    subprocess.run(
        [admin, "-c", config_file, "-d", database, "-u", *modules, "--activate-dependencies",
         "--email", "admin@example.com", "-p"],
        check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    from proteus import config

    connection = config.set_trytond(
        database=f"postgresql://postgres@/{database}?host={socket}",
        user="admin",
        config_file=str(config_file),
    )
    print(json.dumps(company_of(connection)))


def company_of(connection):
    """Company, accounts, customers, products and their stock."""
    from proteus import Model
    from trytond.modules.account.tests.tools import create_chart, create_fiscalyear, create_tax, get_accounts
    from trytond.modules.account_invoice.tests.tools import (
        create_payment_term,
        set_fiscalyear_invoice_sequences,
    )
    from trytond.modules.company.tests.tools import create_company, get_company

    dollar = Model.get("currency.currency")(name="US Dollar", symbol="$", code="USD")
    dollar.rates.new(date=datetime.date(2000, 1, 1), rate=Decimal(1))
    dollar.save()
    create_company(currency=dollar, config=connection)
    create_chart(config=connection)
    set_fiscalyear_invoice_sequences(create_fiscalyear(config=connection), config=connection).click(
        "create_period"
    )
    tax = create_tax(Decimal(".10"), config=connection)
    tax.save()
    term = create_payment_term(config=connection)
    term.save()
    (unit,) = Model.get("product.uom").find([("name", "=", "Unit")])
    products = products_of(Model, get_accounts(config=connection), tax, unit)
    stocked(Model, products)
    (warehouse,) = Model.get("stock.location").find([("type", "=", "warehouse")])
    return {
        "company": get_company(config=connection).id,
        "currency": dollar.id,
        "customers": customers_of(Model),
        "products": products,
        "unit": unit.id,
        "payment_term": term.id,
        "warehouse": warehouse.id,
        "tax": tax.id,
    }


def customers_of(model):
    found = []
    for number in range(50):
        party = model.get("party.party")(name=f"Customer {number}")
        if not party.addresses:
            party.addresses.new()
        party.addresses[0].street = "1 High Street"
        party.save()
        found.append((party.id, party.addresses[0].id))
    return found


def products_of(model, accounts, tax, unit):
    category = model.get("product.category")(name="Goods", accounting=True)
    category.account_expense, category.account_revenue = accounts["expense"], accounts["revenue"]
    category.customer_taxes.append(tax)
    category.save()
    found = []
    for number in range(20):
        template = model.get("product.template")(
            name=f"Product {number}", default_uom=unit, type="goods", salable=True, list_price=Decimal(10),
            account_category=category,
        )  # fmt: skip
        template.save()
        found.append(template.products[0].id)
    return found


def stocked(model, products):
    (storage,) = model.get("stock.location").find([("code", "=", "STO")])
    inventory = model.get("stock.inventory")(location=storage)
    for product in products:
        line = inventory.lines.new(product=model.get("product.product")(product))
        line.quantity, line.expected_quantity = 10_000_000.0, 0.0
    inventory.click("confirm")


main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))

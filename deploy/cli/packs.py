"""`backoffice packs`: which countries payroll knows, by which tables, and what of them nobody has seen in print."""

from rich.markup import escape
from rich.table import Table

from deploy.cli.console import console
from services.payroll.packs import packs


def show_packs() -> None:
    """List the countries that payroll has tables of, their editions, and what is still to be confirmed."""
    table = Table("pack", "edition", "pay from", "to", "read on", "sources", "unconfirmed")
    doubtful = []
    for name, pack in packs().items():
        for edition in pack.editions():
            days = (str(edition.valid_from), str(edition.valid_to), str(edition.retrieved_on))
            counts = (str(len(edition.sources)), str(len(edition.unconfirmed)))
            table.add_row(name, edition.edition, *days, *counts)
            doubtful += [f"{name} {edition.edition}: {escape(each)}" for each in edition.unconfirmed]
    console.print(table)
    for each in doubtful:
        console.print(f"unconfirmed: {each}", soft_wrap=True)

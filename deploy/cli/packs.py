"""`backoffice packs`: which countries payroll knows, by which tables, and what of them nobody has seen in print."""

from collections.abc import Iterator

from rich.markup import escape
from rich.table import Table

from deploy.cli.console import console
from services.payroll.engine.editions import Edition
from services.payroll.packs import packs


def show_packs() -> None:
    """List the countries that payroll has tables of, their editions, and what is still to be confirmed."""
    table = Table("pack")
    for head in ("edition", "pay from", "to", "read on", "unconfirmed"):
        table.add_column(head, no_wrap=True)
    doubtful = []
    for name, edition in _editions():
        days = (str(edition.valid_from), str(edition.valid_to), str(edition.retrieved_on))
        table.add_row(name, edition.edition, *days, str(len(edition.unconfirmed)))
        doubtful += [f"{name} {edition.edition}: {escape(each)}" for each in edition.unconfirmed]
    console.print(table)
    for each in doubtful:
        console.print(f"unconfirmed: {each}", soft_wrap=True)


def _editions() -> Iterator[tuple[str, Edition]]:
    """All editions of all countries and their parts, each with the name of what it is of."""
    for name, pack in packs().items():
        yield from ((name, edition) for edition in pack.editions())
        for part, editions in pack.parts().items():
            yield from ((f"{name}/{part}", edition) for edition in editions)

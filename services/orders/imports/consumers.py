"""The job that works through an order file."""

from services.orders.imports import actions
from shared.events import on_job
from shared.jobs import JobRun


@on_job("order_import")
async def run_order_import(run: JobRun) -> None:
    """Take the file's orders in."""
    await actions.run_import(run)

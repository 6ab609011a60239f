"""The job that works through an order file."""

from services.orders.imports import actions
from services.orders.imports.actions.unfinished import close_unfinished
from shared.background.jobs import JobRun
from shared.service.subscriptions import on_job


@on_job("order_import", unfinished=close_unfinished)
async def run_order_import(run: JobRun) -> None:
    """Take the file's orders in."""
    await actions.run_import(run)

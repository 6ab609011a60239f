"""What can be done with order imports: start one, cancel one, and the job that works through the file."""

from services.orders.imports.actions.job import run_import
from services.orders.imports.actions.requests import cancel_import, create_import

__all__ = ["cancel_import", "create_import", "run_import"]

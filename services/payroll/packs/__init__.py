"""Country packs: a folder for each country, found by its name; nothing outside a folder knows what is in it."""

import importlib
import importlib.util
import pkgutil
from collections.abc import Mapping
from functools import cache

from services.payroll.engine.pack import Pack, PayOrders


@cache
def packs() -> Mapping[str, Pack]:
    """All packs by name."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__) if module.ispkg)
    return {name: importlib.import_module(f"{__name__}.{name}").PACK for name in names}


@cache
def pay_orders(name: str) -> PayOrders | None:
    """How a pack withholds by orders that are no part of the declarations; None for one that does not."""
    module = f"{__name__}.{name}.pay_orders"
    if importlib.util.find_spec(module) is None:
        return None
    found: PayOrders = importlib.import_module(module).PAY_ORDERS
    return found

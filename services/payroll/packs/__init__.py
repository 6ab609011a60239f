"""Country packs: a folder for each country, found by its name; nothing outside a folder knows what is in it."""

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache

from services.payroll.engine.pack import Pack


@cache
def packs() -> Mapping[str, Pack]:
    """All packs by name."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__) if module.ispkg)
    return {name: importlib.import_module(f"{__name__}.{name}").PACK for name in names}

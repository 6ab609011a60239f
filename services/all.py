"""Every service of the suite: the one list. Whatever else names services is made from it or compared with it by a test.

A service is a line in `NAMES` and the folder of that name; after a change `make docs` writes what deployments know of
it (`deploy/cli/generate_deployment.py`).
"""

import importlib

from shared.database.sealing import sealed_columns
from shared.service.manifest import Service

NAMES = (
    "orders",
    "billing",
)

SERVICES: tuple[Service, ...] = tuple(
    importlib.import_module(f"services.{name}.service").SERVICE for name in NAMES
)

# Who needs the keys of sealed columns; nobody else is given them.
SEALING = frozenset(service.name for service in SERVICES if sealed_columns(service.metadatas()))

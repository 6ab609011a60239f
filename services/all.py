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
    "payroll",
    "hr",
)

SERVICES: tuple[Service, ...] = tuple(
    importlib.import_module(f"services.{name}.service").SERVICE for name in NAMES
)

# Who needs keys of sealed columns, and which: of each name there is one list, given to those who have it here.
KEYRINGS = {service.name: service.keyring for service in SERVICES if sealed_columns(service.metadatas())}

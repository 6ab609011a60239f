"""The hr service's manifest."""

from shared.service.manifest import Service

SERVICE = Service(
    "hr",
    "services.hr",
    title="HR",
    capabilities=(
        "employees",
        "positions",
    ),
    shared_keyring="people",
)

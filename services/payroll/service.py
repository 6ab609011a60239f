"""The payroll service's manifest."""

from shared.service.manifest import Service

SERVICE = Service(
    "payroll",
    "services.payroll",
    title="Payroll",
    capabilities=("calculations",),
    shared_keyring="people",
)

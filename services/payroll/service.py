"""The payroll service's manifest."""

from shared.service.manifest import Service

SERVICE = Service(
    "payroll",
    "services.payroll",
    title="Payroll",
    capabilities=(
        "profile",
        "schedules",
        "payees",
        "year_to_date",
        "leave",
        "pay_items",
        "run_facts",
        "payslips",
        "pay_runs",
        "calculations",
    ),
    shared_keyring="people",
)

"""The probe's manifest."""

from shared.service.manifest import Service

PROBE = Service("probe", "tests.shared.probe", title="Probe", capabilities=("notes", "vaults"))

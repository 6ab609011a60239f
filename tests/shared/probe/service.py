"""The probe's manifest."""

from shared.blobs.store import Blobs, open_blobs
from shared.blobs.sweep import EVERY_SECONDS, blobs_reachable, sweep_blobs
from shared.service.manifest import Loop, Service

PROBE = Service(
    "probe",
    "tests.shared.probe",
    title="Probe",
    capabilities=("notes", "vaults", "files"),
    ports={Blobs: open_blobs},
    loops=(Loop("blobs", sweep_blobs, EVERY_SECONDS),),
    probes=(blobs_reachable,),
)

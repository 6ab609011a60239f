"""Table of vaults."""

from sqlalchemy import Text
from sqlmodel import Field

from shared.database.sealing import Sealed, SealedColumn
from tests.shared.probe.notes.models import ProbeRow


class Vault(ProbeRow, table=True):
    """A vault: an account and a code, sealed."""

    __tablename__ = "vaults"

    name: str = Field(sa_type=Text)
    account: Sealed | None = Field(default=None, sa_type=SealedColumn)
    code: Sealed | None = Field(default=None, sa_type=SealedColumn)

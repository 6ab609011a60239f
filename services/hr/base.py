"""The base class of this service's tables."""

from sqlalchemy import MetaData
from sqlalchemy.orm import registry

from shared.database.tables import TenantRow


class HrRow(TenantRow, registry=registry(metadata=MetaData())):
    """A row of this service's tables; a registry of its own, so that two services may use one table name."""

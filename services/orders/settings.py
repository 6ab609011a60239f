"""What the orders service can be told beside the kernel's settings."""

from pydantic import Field

from shared.base.settings import KernelSettings


class OrdersSettings(KernelSettings):
    """Limits of what a client company may send."""

    import_rows: int = Field(
        500_000,
        ge=1,
        le=1_000_000,
        description="Rows of a file of orders; the memory to read them is made for twice as many.",
    )
    import_rows_at_once: int = Field(
        20_000,
        ge=1,
        description="Rows of one that is taken as a whole (reject_all): one transaction, some ten seconds of locks.",
    )

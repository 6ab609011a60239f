"""By what words employees are found."""

from shared.database.term_tables import create_term_table
from shared.values.search_text import terms_of

revision = "hr_0003"
down_revision = "hr_0002"


def upgrade() -> None:
    """Create the table; nobody has employees yet."""
    create_term_table(
        "hr", "employee_words", "employee_id", of="employees", columns="number",
        terms=lambda row: terms_of(row.number),
    )  # fmt: skip

"""United States: federal withholding and payroll taxes of 2024 to 2026, and the states whose tables are here."""

from services.payroll.packs.us.pack import UnitedStates

PACK = UnitedStates()

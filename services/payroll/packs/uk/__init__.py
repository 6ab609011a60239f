"""The United Kingdom: PAYE, National Insurance, student loans, pensions, attachment orders and statutory pay."""

from services.payroll.packs.uk.pack import UnitedKingdom

PACK = UnitedKingdom()

"""The base class of this service's tables."""

from shared.tables import service_base

BillingRow = service_base("billing")

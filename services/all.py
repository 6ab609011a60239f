"""Every service of the suite, for the processes that run or describe all of them."""

from services.billing.service import SERVICE as BILLING
from services.orders.service import SERVICE as ORDERS

SERVICES = (ORDERS, BILLING)

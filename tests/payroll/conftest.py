"""Callers of payroll."""

import httpx
import pytest

from shared.context.ctx import TenantFacts
from tests.kit.suite import Suite

PRIVATE_SCOPES = {"payroll.private:read", "payroll.bank:read"}


@pytest.fixture
def payroll(suite: Suite, tenant: TenantFacts) -> httpx.AsyncClient:
    """Somebody who may do everything in payroll and see everything."""
    return suite.client("payroll", tenant, scopes=suite.all_scopes | PRIVATE_SCOPES)


@pytest.fixture
def clerk(suite: Suite, tenant: TenantFacts) -> httpx.AsyncClient:
    """Somebody who works in payroll and sees nothing private."""
    return suite.client("payroll", tenant, scopes={"payroll:read", "payroll:write"})

"""Callers of hr: somebody who writes, somebody who approves, and who may see what is sealed."""

import httpx
import pytest

from shared.context.ctx import Actor, TenantFacts
from tests.kit.suite import Suite

PRIVATE_SCOPES = {"hr.private:read", "hr.pay:read"}


@pytest.fixture
def hr(suite: Suite, tenant: TenantFacts) -> httpx.AsyncClient:
    return suite.client("hr", tenant)


@pytest.fixture
def second(suite: Suite, tenant: TenantFacts) -> httpx.AsyncClient:
    """Another person than `hr`."""
    return suite.client("hr", tenant, actor=Actor("another-person"))


@pytest.fixture
def insider(suite: Suite, tenant: TenantFacts) -> httpx.AsyncClient:
    """Somebody who may see everything."""
    return suite.client("hr", tenant, scopes=suite.all_scopes | PRIVATE_SCOPES)

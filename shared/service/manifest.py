"""A service from its manifest: routes, consumers, scheduled work, jobs, migrations, health and OpenAPI.

    SERVICE = Service(
        "billing", "services.billing", title="Billing", capabilities=("ledger", "invoices"),
        provision=(ledger_actions.provision,),
    )

Everything else is found by convention in the capabilities' modules: `routes.router`, functions marked in
`consumers.py`, tables in `models.py`, `rules.LIFECYCLE`.
"""

import importlib
import importlib.util
import inspect
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from fastapi import FastAPI
from sqlalchemy import MetaData

from shared.approvals.asking import EXPIRE
from shared.approvals.deciding import Approvable, expire
from shared.approvals.routes import approval_routes
from shared.background.jobs import Job
from shared.background.scheduler import DueFunction
from shared.base.settings import KernelSettings
from shared.context.unit_of_work import Runtime
from shared.contracts.event import Event
from shared.database.tables import TenantRow
from shared.http.openapi import add_openapi
from shared.http.router import Router
from shared.http.service_app import ServiceApp
from shared.mail.post import Post
from shared.messaging.event_handlers import Handler
from shared.service.dead_letters import dead_letter_routes
from shared.service.jobs import job_routes
from shared.service.mails import mail_routes
from shared.service.provisioning import Provision

MakePort = Callable[[Any], AbstractAsyncContextManager[object]]  # from the service's settings
Probe = Callable[[Runtime], Awaitable[str | None]]


@dataclass(frozen=True, slots=True)
class Loop:
    """Work in the background that is neither an event, a due time nor a job.

    `look` does what there is to do now and says whether more may be left; when nothing is, it is called again after
    `idle_seconds`. It runs in worker processes only, in each of them, so what it takes up it must claim.
    """

    name: str
    look: Callable[[Runtime], Awaitable[bool]]
    idle_seconds: float


@dataclass(frozen=True)
class Service:
    """What a service is made of.

    `settings` adds fields of its own to the kernel's. `ports` are its ways out of the process (mail, files, webhooks),
    each by its type with what makes it from the settings: an async context manager, entered before the first request
    and left after the last; actions reach it by `ctx.port(Type)`. `loops` run beside the kernel's. A probe returns a
    sentence while something keeps the service from its work, and the process then says that it is not ready.
    `shared_keyring` names sealing keys that it has in common with another service, which names them, too: what the two
    hand to each other sealed. Without one its keys are its own.
    """

    name: str
    package: str
    title: str
    capabilities: Sequence[str]
    provision: Sequence[Provision] = ()
    settings: type[KernelSettings] = KernelSettings
    ports: Mapping[type, MakePort] = field(default_factory=dict)
    loops: Sequence[Loop] = ()
    probes: Sequence[Probe] = ()
    shared_keyring: str = ""

    @property
    def keyring(self) -> str:
        """The name of its sealing keys."""
        return self.shared_keyring or self.name

    @property
    def migrations(self) -> Path:
        """The folder of its alembic revisions."""
        return Path(str(importlib.import_module(self.package).__file__)).parent / "migrations"

    def modules(self, name: str) -> Iterator[ModuleType]:
        """The module of that name in each capability that has one."""
        for capability in self.capabilities:
            full = f"{self.package}.{capability}.{name}"
            if importlib.util.find_spec(full) is not None:
                yield importlib.import_module(full)

    def routers(self) -> list[Router]:
        """The routes of all capabilities, the dead letters, and approvals, jobs and mails where it has any."""
        approvables, jobs = self.approvables(), self.jobs()
        return [
            *(module.router for module in self.modules("routes")),
            dead_letter_routes(self.name),
            *(approval_routes(self.name, approvables) if approvables else []),
            *([job_routes(self.name, jobs)] if jobs else []),
            *([mail_routes(self.name)] if Post in self.ports else []),
        ]

    def metadatas(self) -> list[MetaData]:
        """The tables its models declare."""
        found = {id(t.metadata): t.metadata for m in self.modules("models") for t in _tables(m)}
        return list(found.values())

    def _marked(self, mark: str) -> Iterator[tuple[Any, Any]]:
        for module in self.modules("consumers"):
            for _, function in inspect.getmembers(module, inspect.iscoroutinefunction):
                if function.__module__ == module.__name__ and hasattr(function, mark):
                    yield getattr(function, mark), function

    def handlers(self) -> dict[type[Event], list[Handler]]:
        """What the service does on which event."""
        found: dict[type[Event], list[Handler]] = {}
        for contracts, function in self._marked("__consumes__"):
            for contract in contracts:
                found.setdefault(contract, []).append(function)
        return found

    def due_functions(self) -> dict[str, DueFunction]:
        """What the service does when due times arrive."""
        own = dict(self._marked("__due_kind__"))
        return own | {EXPIRE: expire} if self.approvables() else own

    def approvables(self) -> dict[str, Approvable]:
        """What the service does once it is approved."""
        return {approvable.kind: approvable for approvable, _ in self._marked("__approves__")}

    def jobs(self) -> dict[str, Job]:
        """The service's kinds of long jobs."""
        return {job.kind: job for job, _ in self._marked("__job__")}

    def app(self) -> FastAPI:
        """The ASGI app with all routes; it answers once `run` has hung its edge on it."""
        app = ServiceApp(title=self.title, version="1", docs_url=None, redoc_url=None, openapi_url=None)
        app.add_operations(self.routers())
        add_openapi(app)
        return app


def _tables(module: ModuleType) -> list[type[TenantRow]]:
    return [
        table
        for _, table in inspect.getmembers(module, inspect.isclass)
        if issubclass(table, TenantRow)
        and table.__module__ == module.__name__
        and hasattr(table, "__table__")
    ]

"""A service's approvals over HTTP: `/v1/<service>-approvals` and `/v1/<service>-approval-delegations`."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal
from uuid import UUID

import asyncpg
from fastapi import Query
from starlette.responses import Response

from shared.approvals import deciding, delegations, rows
from shared.approvals.deciding import Approvable, is_requester
from shared.approvals.rows import Approval
from shared.approvals.rules import LIFECYCLE
from shared.context.ctx import Ctx
from shared.http.paging import Page, PageDep, page_of
from shared.http.router import CtxDep, Router
from shared.http.timeline import add_timeline
from shared.values.fields import Code, MoneyIO, ShortText, Timestamp, WireInput, WireModel

State = Literal["pending", "approved", "rejected", "withdrawn", "expired", "superseded"]


class DecisionOut(WireModel):
    """What somebody decided at a step (counted from 1); `in_place_of` is who they decided for, mostly themselves."""

    step: int
    decision: Literal["approved", "rejected"]
    decided_by: str
    on_behalf_of: str | None
    in_place_of: str
    comment: str | None
    at: Timestamp


class StepOut(WireModel):
    """How many different holders of a scope are needed; with `among`, of whom."""

    scope: str
    needed: int
    among: list[str]


class ApprovalOut(WireModel):
    """Something asked for. `facts` are what it looked like then; `allowed_actions` are the caller's."""

    id: UUID
    kind: str
    subject_id: UUID
    subject: str
    state: State
    reason: str | None
    amount: MoneyIO | None
    command: dict[str, Any]
    facts: dict[str, Any]
    snapshot_hash: str
    steps: list[StepOut]
    step: int
    decisions: list[DecisionOut]
    requested_by: str
    requested_on_behalf_of: str | None
    expires_at: Timestamp
    decided_at: Timestamp | None
    allowed_actions: list[str]
    version: int
    created_at: Timestamp
    updated_at: Timestamp


class ApproveIn(WireInput):
    """What the approver wants to say."""

    comment: ShortText | None = None


class RejectIn(WireInput):
    """Why it is rejected."""

    reason: ShortText


class WithdrawIn(WireInput):
    """Why it is no longer asked for."""

    reason: ShortText | None = None


class DelegationIn(WireInput):
    """Who decides in whose place (the caller's, unless said otherwise) and for how long: from start to before end."""

    delegate: Code
    delegator: Code | None = None
    starts_at: Timestamp
    ends_at: Timestamp
    reason: ShortText | None = None


class DelegationOut(WireModel):
    """Who decides in whose place, until when, and who said so."""

    id: UUID
    delegator: str
    delegate: str
    starts_at: Timestamp
    ends_at: Timestamp
    created_by: str
    reason: str | None
    revoked_at: Timestamp | None
    version: int
    created_at: Timestamp
    updated_at: Timestamp


ACCEPTED: dict[int | str, dict[str, Any]] = {
    202: {"model": ApprovalOut, "description": "It waits for approval; done when the last one has approved"}
}
"""What a verb that may need approval declares beside its success."""


async def accepted(ctx: Ctx, approval: Approval) -> Response:
    """The answer to who asked for something that has to be approved first: 202 with the approval."""
    (shown,) = await _shown(ctx, [approval])
    where = f"/v1/{ctx.service}-approvals/{approval.id}"
    return Response(shown.model_dump_json(), 202, {"location": where}, media_type="application/json")


async def _shown(ctx: Ctx, approvals: Sequence[Approval]) -> list[ApprovalOut]:
    made: dict[UUID, list[asyncpg.Record]] = defaultdict(list)
    for decision in await rows.decisions_on(ctx, [each.id for each in approvals]):
        made[decision["approval_id"]].append(decision)
    return [_out(ctx, each, made[each.id]) for each in approvals]


def _out(ctx: Ctx, approval: Approval, decisions: Sequence[asyncpg.Record]) -> ApprovalOut:
    mine = {"withdraw"} if is_requester(ctx, approval) else {"approve", "reject"}
    facts = {name: getattr(approval, name) for name in Approval.__slots__ if name not in ("steps", "step")}
    return ApprovalOut(
        **facts,
        steps=[StepOut(scope=s.scope, needed=s.needed or 1, among=list(s.among)) for s in approval.steps],
        step=approval.step + 1,
        decisions=[DecisionOut(**dict(d) | {"step": d["step"] + 1}) for d in decisions],
        allowed_actions=[verb for verb in LIFECYCLE.allowed(approval.state) if verb in mine],
    )


def approval_routes(service: str, approvables: Mapping[str, Approvable]) -> list[Router]:
    """The resources of a service that has something to approve."""
    router = Router("Approvals")
    _add_reads(router, service)
    _add_verbs(router, service, approvables)
    add_timeline(
        router,
        f"{service}-approvals",
        LIFECYCLE.aggregate,
        scope=f"{service}:read",
        one=f"{service}_approval",
    )
    return [router, _delegation_routes(service)]


def _add_reads(router: Router, service: str) -> None:
    path, scope = f"/{service}-approvals", f"{service}:read"

    @router.read(path, scope=scope, name=f"list_{service}_approvals", response_model=Page[ApprovalOut])
    async def list_approvals(
        ctx: CtxDep,
        page: PageDep,
        state: Annotated[State | None, Query()] = None,
        kind: Annotated[Code | None, Query()] = None,
        subject_id: UUID | None = None,
    ) -> Page[ApprovalOut]:
        """What was asked for, newest first, with what was decided on it."""
        found = await rows.list_approvals(
            ctx, below=page.below_id, limit=page.limit + 1, state=state, kind=kind, subject_id=subject_id
        )
        return page_of(await _shown(ctx, found), page, lambda each: each.id)

    @router.read(
        path + "/{approval_id}", scope=scope, name=f"get_{service}_approval", response_model=ApprovalOut
    )
    async def get_approval(ctx: CtxDep, approval_id: UUID) -> ApprovalOut:
        """One approval."""
        return (await _shown(ctx, [await rows.get_approval(ctx, approval_id)]))[0]


def _add_verbs(router: Router, service: str, approvables: Mapping[str, Approvable]) -> None:
    path = f"/{service}-approvals/{{approval_id}}"
    verb, out = f"{service}_approval", ApprovalOut

    @router.verb(f"{path}/approve", scope=f"{service}:approve", name=f"approve_{verb}", response_model=out)
    async def approve(ctx: CtxDep, approval_id: UUID, body: ApproveIn | None = None) -> ApprovalOut:
        """Approve the step at hand; the last approval does what was asked for at once, or is refused with why not.

        Never by who asked for it (403 `four_eyes`); 409 `approval_outdated` when the subject has changed since.
        """
        comment = body.comment if body else None
        done = await deciding.approve(ctx, approval_id, approvables=approvables, comment=comment)
        return (await _shown(ctx, [done]))[0]

    @router.verb(f"{path}/reject", scope=f"{service}:approve", name=f"reject_{verb}", response_model=out)
    async def reject(ctx: CtxDep, approval_id: UUID, body: RejectIn) -> ApprovalOut:
        """Reject it; one of those who may approve the step is enough."""
        return (await _shown(ctx, [await deciding.reject(ctx, approval_id, reason=body.reason)]))[0]

    @router.verb(f"{path}/withdraw", scope=f"{service}:write", name=f"withdraw_{verb}", response_model=out)
    async def withdraw(ctx: CtxDep, approval_id: UUID, body: WithdrawIn | None = None) -> ApprovalOut:
        """No longer ask for it; only who asked may."""
        reason = body.reason if body else None
        return (await _shown(ctx, [await deciding.withdraw(ctx, approval_id, reason=reason)]))[0]


def _delegation_routes(service: str) -> Router:
    router = Router("Approvals")
    _add_delegation_verbs(router, service)
    _add_delegation_reads(router, service)
    return router


def _add_delegation_verbs(router: Router, service: str) -> None:
    path, one, out = f"/{service}-approval-delegations", f"{service}_approval_delegation", DelegationOut

    @router.create(path, scope=f"{service}:approve", name=f"create_{one}", response_model=out)
    async def create_delegation(ctx: CtxDep, body: DelegationIn) -> DelegationOut:
        """Have somebody decide in a named approver's place for a time; they need the scope themselves."""
        row = await delegations.delegate(
            ctx,
            delegator=body.delegator or ctx.actor.id,
            to=body.delegate,
            starts_at=body.starts_at,
            ends_at=body.ends_at,
            reason=body.reason,
        )
        return DelegationOut(**row)

    @router.verb(
        path + "/{delegation_id}/revoke", scope=f"{service}:approve", name=f"revoke_{one}", response_model=out
    )
    async def revoke_delegation(ctx: CtxDep, delegation_id: UUID) -> DelegationOut:
        """End it now; what was decided under it stays decided."""
        return DelegationOut(**await delegations.revoke(ctx, delegation_id))


def _add_delegation_reads(router: Router, service: str) -> None:
    path, one, out = f"/{service}-approval-delegations", f"{service}_approval_delegation", DelegationOut

    @router.read(path, scope=f"{service}:read", name=f"list_{one}s", response_model=Page[DelegationOut])
    async def list_delegations(
        ctx: CtxDep,
        page: PageDep,
        delegator: Annotated[Code | None, Query()] = None,
        delegate: Annotated[Code | None, Query()] = None,
    ) -> Page[DelegationOut]:
        """Delegations, newest first, those that are over too."""
        found = await delegations.list_delegations(
            ctx, below=page.below_id, limit=page.limit + 1, delegator=delegator, to=delegate
        )
        return page_of([DelegationOut(**row) for row in found], page, lambda each: each.id)

    @router.read(path + "/{delegation_id}", scope=f"{service}:read", name=f"get_{one}", response_model=out)
    async def get_delegation(ctx: CtxDep, delegation_id: UUID) -> DelegationOut:
        """One delegation."""
        return DelegationOut(**await delegations.get_delegation(ctx, delegation_id))

"""Test clocks over HTTP."""

from gateway.control import ControlDep
from gateway.sandbox import actions
from gateway.sandbox.schemas import ClockIn, ClockOut
from shared.http.router import CtxDep, Router

router = Router("Sandbox")


@router.read("/sandbox/clock", scope="sandbox:read")
async def show_clock(ctx: CtxDep) -> ClockOut:
    """The sandbox tenant's time."""
    return await actions.show_clock(ctx)


@router.verb("/sandbox/clock", scope="sandbox:write")
async def advance_clock(ctx: CtxDep, body: ClockIn, control: ControlDep) -> ClockOut:
    """Move the sandbox tenant's time ahead: what falls due meanwhile is done."""
    return await actions.advance_clock(ctx, body, control=control)

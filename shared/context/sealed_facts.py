"""Private facts in events: sealed by the publisher, opened by a consumer that has the same keyring, by nobody between.

    private = await seal_fact(ctx, EmployeeHired, employment_id, {"compensation": ...})
    values = open_fact(ctx, event, event.employment_id, event.private)

Both services name the keyring in their manifests (`shared_keyring=`). The outbox, the transport, the inbox, dead
letters and logs hold the sealed text alone (docs/adr/0045).
"""

import base64
import binascii
from typing import Any
from uuid import UUID

from shared.context.ctx import Ctx
from shared.context.sealed_fields import keyring_of, register_key
from shared.contracts.event import Event
from shared.database.sealing import DoesNotOpen, Keyring, Place, Sealed

PRIVATE = "private"  # the field's name, in every contract that has one


async def seal_fact(ctx: Ctx, contract: type[Event], subject: UUID, value: object) -> str:
    """Seal a value (whatever JSON can say) for the events of a contract about a subject, as text."""
    keyring = keyring_of(ctx)
    await register_key(ctx, keyring)
    sealed = _keys(keyring, contract).seal(_place(ctx, contract, subject), value)
    return base64.urlsafe_b64encode(sealed).decode()


def open_fact(ctx: Ctx, event: Event, subject: UUID, text: str) -> Any:  # noqa: ANN401 - what was sealed
    """The value that was sealed; raises DoesNotOpen, which says the place and never the value."""
    place = _place(ctx, type(event), subject)
    try:
        sealed = Sealed(base64.b64decode(text, altchars=b"-_", validate=True))
    except (binascii.Error, ValueError):
        raise DoesNotOpen(f"{place} holds what was not sealed there.") from None
    return _keys(keyring_of(ctx), type(event)).open(place, sealed)


def _keys(keyring: Keyring, contract: type[Event]) -> Keyring:
    return keyring.for_facts(contract.type.split(".", 1)[0])


def _place(ctx: Ctx, contract: type[Event], subject: UUID) -> Place:
    return Place(ctx.tenant.id, contract.type, PRIVATE, subject)

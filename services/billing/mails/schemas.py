"""Wire shapes of sending."""

from typing import Annotated

from shared.values.fields import EmailText, Entries, LongText, WireInput


class SendIn(WireInput):
    """Whom a document is sent, besides or instead of the buyer's own address, and words of the sender."""

    to: EmailText | None = None
    cc: Annotated[list[EmailText], Entries(0, 10)] | None = None
    message: LongText | None = None

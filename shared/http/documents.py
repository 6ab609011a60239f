"""Documents: what a route reads in its transaction and has made into a file after it, in a process beside ours.

    @router.document("/invoices/{invoice_id}/pdf", scope="billing:read", media_type="application/pdf")
    async def get_pdf(ctx: CtxDep, invoice_id: UUID) -> Document:
        content = await queries.get_document(ctx, invoice_id)
        return Document(ctx, render_pdf, content, name=f"{content.number}.pdf", media_type="application/pdf")

The edge commits, lets go of the connection and has it made: forty documents of one tenant are its own queue, not
everybody's. The function is a module's own; it and the content travel by pickle (`shared.base.side_process`). What it
raises is the answer: a `Fault` is the refusal that it is. A process is kept warm once it was needed. A function that
returns a `Paper` may have something to say of it: its warnings are the answer's `Backoffice-Warning`.
"""

import asyncio
from collections.abc import Callable

import structlog
from starlette.responses import Response

from shared.base import telemetry
from shared.base.error_text import error_text
from shared.base.fair_share import NoPlace, ShareExhausted
from shared.base.side_process import Limits, SideProcesses, SideProcessFailed, TookTooLong, TookTooMuchMemory
from shared.blobs.refs import BlobRef
from shared.blobs.store import Blobs
from shared.context.ctx import Ctx
from shared.http.afterwards import Afterwards
from shared.paper.made import Paper
from shared.values.faults import Invalid, TooManyAtOnce, Unavailable

log = structlog.get_logger()
WARNING = "backoffice-warning"
WAIT_SECONDS = 6.0  # for a process
MOST_SECONDS = 14.0  # to wait and to be made: the gateway gives a service up after 15
LIMITS = Limits(cpu_seconds=10, memory_mb=512)
FILE = {
    "schema": {"type": "string", "format": "binary"}
}  # how OpenAPI tells of bytes, in requests and answers


class DocumentTooLarge(Invalid):
    """The document needs more time or memory than one may (422)."""

    code = "document_too_large"


class Document(Afterwards):
    """A file to be made; what the edge answers in the end is its bytes under its name."""

    def __init__(
        self,
        ctx: Ctx,
        make: Callable[..., bytes | Paper],
        content: object,
        *files: BlobRef,
        name: str,
        media_type: str,
    ) -> None:
        """`make(content, *bytes_of_files)` is called in a process beside ours; kept files are read before.

        `name` is what a browser saves it under: plain ASCII, made by us.
        """
        super().__init__(self._made, media_type=media_type)
        self.name = name
        self._make, self._content, self._files = make, content, files
        self._tenant_id, self._service = ctx.tenant.id, ctx.service
        self._ports = ctx.ports

    async def _made(self) -> Response:
        paper = await self.paper()
        headers = {"content-disposition": f'inline; filename="{self.name}"'}
        if paper.warnings:
            headers[WARNING] = "; ".join(paper.warnings)
        return Response(paper.content, media_type=self.media_type, headers=headers)

    async def paper(self) -> Paper:
        """Have it made, after the transaction; the refusals are faults."""
        try:
            async with asyncio.timeout(MOST_SECONDS):
                return await self._paper()
        except ShareExhausted as error:
            telemetry.REFUSED_BY_SHARE.labels(self._service, "document").inc()
            raise TooManyAtOnce(
                "Too many of your documents are being made; ask for fewer at once."
            ) from error
        except (TookTooLong, TookTooMuchMemory) as error:
            self._tell(error)
            raise DocumentTooLarge("This document needs more time or memory than one may.") from error
        except (NoPlace, TimeoutError, SideProcessFailed) as error:
            self._tell(error)
            raise Unavailable("The document could not be made just now; try again.") from error

    def _tell(self, error: Exception) -> None:
        """Let operators know why there is no document."""
        log.warning("a document was not made", service=self._service, tenant_id=str(self._tenant_id),
                    name=self.name, error=error_text(error))  # fmt: skip

    async def _paper(self) -> Paper:
        files = [await self._ports.get(Blobs).read(each) for each in self._files]
        aside = self._ports.get(SideProcesses)
        made = await aside.call(
            self._tenant_id, self._make, self._content, *files, limits=LIMITS, within=WAIT_SECONDS
        )
        return made if isinstance(made, Paper) else Paper(made)

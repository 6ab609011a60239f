"""Routes of a service: one request, one transaction, one answer.

A route is declared by what it does (`read`, `create`, `verb`, `change`, `remove`) with the scope it needs:

    router = Router("Invoices")

    @router.create("/invoices", scope="billing:write")
    async def create_invoice(ctx: CtxDep, body: InvoiceIn) -> InvoiceOut: …

What happens around it is `shared.http.edge`. `batch=` names the function that does for several requests at once what
the endpoint does for one; its items are the endpoint's arguments after the ctx (`shared.http.fast.request_batches`).
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Depends, Header
from fastapi.params import Form
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from shared.context.ctx import Ctx
from shared.database.tables import TenantRow
from shared.http.documents import FILE
from shared.http.edge import answer
from shared.http.fast.direct_call import batch_form, direct
from shared.http.parameters import Parameters
from shared.http.request_transaction import CTX, BatchFunction, EdgeState, Handle
from shared.values.faults import PreconditionFailed, PreconditionRequired
from shared.values.masked import scopes_in

__all__ = ["SCOPE_KEY", "CtxDep", "EdgeState", "IfMatch", "Operation", "Router", "require_version"]
SCOPE_KEY = "x-required-scope"
WAITS_KEY = "x-waits-for"
SEALED_SCOPES_KEY = "x-sealed-scopes"
UPLOAD_KEY = "x-upload-limit"
BODY_KEY = "x-body-limit"
GUEST_KEY = "x-guest"
BODY_LIMIT = 1024 * 1024  # bytes of a JSON body, unless its operation declares more
EndpointT = TypeVar("EndpointT", bound=Callable[..., Awaitable[Any]])
BATCH = "__batch__"  # an endpoint's mark: the function that does several requests at once


async def _current_ctx(request: Request) -> Ctx:
    ctx: Ctx = request.scope[CTX]
    return ctx


CtxDep = Annotated[Ctx, Depends(_current_ctx)]


async def _if_match(
    if_match: Annotated[str | None, Header(description="The `version` the change is based on.")] = None,
) -> int:
    if if_match is None:
        raise PreconditionRequired("A change needs If-Match with the version it is based on.")
    text = if_match.strip().removeprefix("W/").strip('"')
    if not text.isdecimal() or len(text) > 18:
        raise PreconditionFailed("If-Match must be the version as an integer.")
    return int(text)


IfMatch = Annotated[int, Depends(_if_match)]


def require_version(row: TenantRow, version: int) -> None:
    """Refuse a change that was based on an older version."""
    if row.version != version:
        raise PreconditionFailed("The resource has changed meanwhile.", current_version=row.version)


class Operation(APIRoute):
    """A route whose request is one transaction."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:  # noqa: ANN401
        super().__init__(path, endpoint, **options)
        self.needed_scope: str = (self.openapi_extra or {}).get(SCOPE_KEY, "")
        if not self.needed_scope:
            raise TypeError(
                f"{path}: declare the route with Router.read/create/verb/change/remove and a scope"
            )
        # What callers need to see masked fields of the answer in full; answers to changes never show them.
        self.sealed_scopes = scopes_in(self.response_model) if self.methods == {"GET"} else frozenset[str]()
        self.upload_limit: int = (self.openapi_extra or {}).get(UPLOAD_KEY, 0)
        self.body_limit: int = (self.openapi_extra or {}).get(BODY_KEY, BODY_LIMIT)
        self.guest: bool = GUEST_KEY in (self.openapi_extra or {})
        body = (self.openapi_extra or {}).get("requestBody", {})
        self.media_types: tuple[str, ...] = tuple(body.get("content", ()))
        self.parameters = Parameters.of(self.dependant)
        if self.upload_limit and not (self.reads_form or self.media_types):
            raise TypeError(f"{path}: an upload is a form with a file, or names its media types")
        if self.reads_form and not self.upload_limit:
            raise TypeError(f"{path}: a route that reads a form declares its upload_limit")
        if self.body_limit != BODY_LIMIT and (self.upload_limit or not self.takes_body):
            raise TypeError(f"{path}: a body_limit is that of a JSON body")
        function: BatchFunction | None = getattr(endpoint, BATCH, None)
        self.batch = batch_form(self, function) if function is not None else None
        self.waits_for: str = (self.openapi_extra or {}).get(WAITS_KEY, "")
        if self.waits_for and self.waits_for not in {each.alias for each in self.dependant.query_params}:
            raise TypeError(f"{path}: {self.waits_for} is no query parameter that one could wait for")

    def get_route_handler(self) -> Handle:
        """The handling of the route, inside the edge's transaction."""
        handle = direct(self, super().get_route_handler())

        async def edge(request: Request) -> Response:
            return await answer(request, handle, self)

        return edge

    @property
    def takes_body(self) -> bool:
        """Whether a body is read into a parameter."""
        return self.body_field is not None

    @property
    def reads_form(self) -> bool:
        """Whether the body is a multipart form (a file upload) rather than JSON."""
        return self.body_field is not None and isinstance(self.body_field.field_info, Form)


def _limited(body_limit: int) -> Mapping[str, object]:
    """The mark of an operation whose JSON body may have more bytes than others."""
    return {BODY_KEY: body_limit} if body_limit else {}


class Router(APIRouter):
    """Routes of one capability below /v1; every route names its scope.

    `body_limit` is how many bytes the JSON body of an operation may have, where that is not `BODY_LIMIT`.
    """

    def __init__(self, tag: str) -> None:
        super().__init__(
            prefix="/v1",
            tags=[tag],
            route_class=Operation,
            generate_unique_id_function=lambda route: route.name,
        )

    def _declare(
        self,
        method: str,
        path: str,
        scope: str,
        status: int,
        marks: Mapping[str, object] = {},
        batch: BatchFunction | None = None,
        **options: Any,  # noqa: ANN401
    ) -> Callable[[EndpointT], EndpointT]:
        extra = {SCOPE_KEY: scope, **marks}
        add = self.api_route(path, methods=[method], status_code=status, openapi_extra=extra, **options)

        def declared(endpoint: EndpointT) -> EndpointT:
            setattr(endpoint, BATCH, batch)
            return add(endpoint)

        return declared

    def read(
        self,
        path: str,
        *,
        scope: str,
        waits_for: str = "",
        guest: bool = False,
        **options: Any,  # noqa: ANN401
    ) -> Callable[[EndpointT], EndpointT]:
        """GET: shows something, changes nothing.

        `waits_for` is the query parameter with the id of what a caller may wait for while the list is empty. A `guest`
        stands below a resource of another service: what this service knows of one of its things.
        """
        marks: dict[str, object] = {WAITS_KEY: waits_for} if waits_for else {}
        marks |= {GUEST_KEY: True} if guest else {}
        return self._declare("GET", path, scope, 200, marks=marks, **options)

    def document(
        self, path: str, *, scope: str, media_type: str, guest: bool = False
    ) -> Callable[[EndpointT], EndpointT]:
        """GET of a file that is made of what the endpoint reads: it answers a `Document` (`shared.http.documents`)."""
        content = {media_type: FILE}
        shown: dict[int | str, dict[str, Any]] = {200: {"description": "The file.", "content": content}}
        marks = {GUEST_KEY: True} if guest else {}
        return self._declare("GET", path, scope, 200, marks, response_class=Response, responses=shown)

    def create(
        self,
        path: str,
        *,
        scope: str,
        status: int = 201,
        upload_limit: int = 0,
        body_limit: int = 0,
        **options: Any,  # noqa: ANN401
    ) -> Callable[[EndpointT], EndpointT]:
        """POST on a collection: 201 with Location (202 when the work goes on in the background).

        `upload_limit` makes it take a form with one file (an `Upload`), whose body has so many bytes at most.
        """
        marks = {UPLOAD_KEY: upload_limit} if upload_limit else _limited(body_limit)
        return self._declare("POST", path, scope, status, marks=marks, **options)

    def upload(
        self,
        path: str,
        *,
        scope: str,
        upload_limit: int,
        media_types: Sequence[str],
        **options: Any,  # noqa: ANN401
    ) -> Callable[[EndpointT], EndpointT]:
        """PUT of a file of one of these types, as the whole body (`UploadDep`): 200 with the resource it belongs to."""
        content = dict.fromkeys(media_types, FILE)
        marks = {UPLOAD_KEY: upload_limit, "requestBody": {"required": True, "content": content}}
        return self._declare("PUT", path, scope, 200, marks=marks, **options)

    def verb(
        self,
        path: str,
        *,
        scope: str,
        body_limit: int = 0,
        guest: bool = False,
        **options: Any,  # noqa: ANN401
    ) -> Callable[[EndpointT], EndpointT]:
        """POST on a resource's verb: 200 with the resource; a `guest` is one below another service's resource."""
        marks: dict[str, object] = {**_limited(body_limit), **({GUEST_KEY: True} if guest else {})}
        return self._declare("POST", path, scope, 200, marks=marks, **options)

    def change(
        self,
        path: str,
        *,
        scope: str,
        body_limit: int = 0,
        **options: Any,  # noqa: ANN401
    ) -> Callable[[EndpointT], EndpointT]:
        """PATCH with If-Match."""
        return self._declare("PATCH", path, scope, 200, marks=_limited(body_limit), **options)

    def remove(self, path: str, *, scope: str, **options: Any) -> Callable[[EndpointT], EndpointT]:  # noqa: ANN401
        """DELETE: 204."""
        return self._declare("DELETE", path, scope, 204, **options)

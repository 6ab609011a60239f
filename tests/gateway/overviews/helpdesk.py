"""A second service with jobs, in the echo's place: it lists what the test says, as the kernel's lists do."""

import base64
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID

import orjson

from shared.http.paging import PageQuery, filters_of
from shared.httpserver.asgi import Receive, Scope, Send

PATH = "/v1/helpdesk-jobs"
OPERATIONS = {"paths": {PATH: {"get": {"x-required-scope": "helpdesk:read"}}}}


class Helpdesk:
    """Jobs by id, newest first."""

    def __init__(self, *job_ids: str) -> None:
        self.jobs = sorted(job_ids, reverse=True)
        self.asked: list[dict[str, str]] = []
        self.answer: tuple[int, Any] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        status, body = 200, OPERATIONS
        if scope["path"] == PATH:
            status, body = self.answer or (200, self.page(dict(parse_qsl(scope["query_string"].decode()))))
        content = body if isinstance(body, bytes) else orjson.dumps(body)
        head = {"type": "http.response.start", "status": status}
        await send(head | {"headers": [(b"content-type", b"application/json")]})
        await send({"type": "http.response.body", "body": content})

    def page(self, query: dict[str, str]) -> dict[str, Any]:
        """One page, from the cursor on."""
        self.asked.append(query)
        jobs, limit = self.jobs, int(query["limit"])
        if "cursor" in query:
            raw = base64.urlsafe_b64decode(query["cursor"] + "==")
            assert raw[:4] == filters_of(PATH, query.items())
            jobs = [job for job in jobs if UUID(job) < UUID(bytes=raw[4:])]
        page = PageQuery(limit, None, filters_of(PATH, query.items()))
        more = page.next_cursor(UUID(jobs[limit - 1])) if len(jobs) > limit else None
        return {"items": [{"id": job, "kind": "migration"} for job in jobs[:limit]], "next": more}

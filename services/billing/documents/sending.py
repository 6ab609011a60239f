"""A rendered document as an answer: its media type, its file name, and its refusal."""

from __future__ import annotations

from typing import Any, Final

from starlette.responses import Response

from services.billing.documents.content import DocumentContent
from services.billing.documents.rules import DocumentRefusedError
from services.billing.documents.xml import render_xml
from shared.values.faults import Refused

PDF: Final[dict[int | str, dict[str, Any]]] = {200: {"content": {"application/pdf": {}}}}
PICTURE: Final[dict[int | str, dict[str, Any]]] = {200: {"content": {"image/png": {}, "image/jpeg": {}}}}
XML: Final[dict[int | str, dict[str, Any]]] = {200: {"content": {"application/xml": {}}}}


class DocumentNotSound(Refused):
    """The document breaks a rule of EN 16931, so no receiver would take it."""

    code = "document_not_sound"


def xml_of(content: DocumentContent) -> bytes:
    """The document as XML, its refusal as a fault."""
    try:
        return render_xml(content)
    except DocumentRefusedError as error:
        raise DocumentNotSound("This document has no XML form.", violations=list(error.violations)) from error


def named(body: bytes, media_type: str, content: DocumentContent) -> Response:
    """The rendered bytes with the file name a browser saves them under."""
    name = content.number or f"draft-{content.kind.replace('_', '-')}"
    disposition = f'inline; filename="{name}.{media_type.rpartition("/")[2]}"'
    return Response(body, media_type=media_type, headers={"content-disposition": disposition})

"""The seller's logo: put, shown, on the PDF of what is numbered under it, and nothing but a picture."""

import zlib
from io import BytesIO
from struct import pack
from typing import Any

import httpx
import pypdf
import pytest
from PIL import Image

from services.billing.documents.pdf import render_pdf
from shared.context.ctx import TenantFacts
from tests.billing.documents.samples import document
from tests.billing.given import given_customer, given_invoice, line
from tests.kit.suite import Suite


def picture(
    kind: str = "PNG", mode: str = "RGB", size: tuple[int, int] = (120, 40), colour: Any = 0
) -> bytes:
    file = BytesIO()
    Image.new(mode, size, colour).save(file, kind)
    return file.getvalue()


async def put(
    billing: httpx.AsyncClient, content: bytes, kind: str = "image/png", version: int = 1
) -> httpx.Response:
    return await billing.put(
        "/v1/seller-profile/logo", content=content, headers={"content-type": kind, "if-match": str(version)}
    )


def pictures(pdf: bytes) -> list[tuple[int, int]]:
    return [image.image.size for image in pypdf.PdfReader(BytesIO(pdf)).pages[0].images if image.image]


async def pdf_of(billing: httpx.AsyncClient, bill: dict[str, Any]) -> bytes:
    answer = await billing.get(f"/v1/invoices/{bill['id']}/pdf")
    assert answer.status_code == 200, answer.text
    return answer.content


async def test_a_logo_is_put_shown_and_taken_away(billing: httpx.AsyncClient):
    logo = picture("JPEG")

    made = await put(billing, logo, "image/jpeg")
    shown = await billing.get("/v1/seller-profile/logo")
    removed = await billing.delete("/v1/seller-profile/logo", headers={"if-match": made.headers["etag"]})

    assert (made.status_code, made.json()["version"]) == (200, 2)
    assert made.json()["logo_id"] is not None
    assert (shown.content, shown.headers["content-type"]) == (logo, "image/jpeg")
    assert shown.headers["content-disposition"] == 'attachment; filename="logo.jpeg"'
    assert removed.status_code == 204
    assert (await billing.get("/v1/seller-profile")).json()["logo_id"] is None
    assert (await billing.get("/v1/seller-profile/logo")).status_code == 404


async def test_a_document_carries_the_logo_it_was_numbered_under(suite: Suite, tenant: TenantFacts):
    billing = suite.client("billing", tenant)
    customer = str(await given_customer(suite, tenant))
    bare = await given_invoice(billing, line(), customer_id=customer)
    first = await put(billing, picture(size=(90, 30)))
    earlier = await given_invoice(billing, line(), customer_id=customer)

    await put(billing, picture(size=(50, 50)), version=first.json()["version"])
    later = await given_invoice(billing, line(), customer_id=customer)

    assert pictures(await pdf_of(billing, bare)) == []
    assert pictures(await pdf_of(billing, earlier)) == [(90, 30)]
    assert pictures(await pdf_of(billing, later)) == [(50, 50)]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "logo_invalid"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "logo_invalid"),
        (picture("GIF", "P"), "logo_invalid"),
        (picture()[:-30], "logo_invalid"),
        (b"\x89PNG\r\n\x1a\n" + b"\x00" * 500, "logo_invalid"),
        (picture(size=(2001, 1000)), "logo_invalid"),
        (picture("PNG", "I;16"), "logo_invalid"),
        (picture("JPEG", "CMYK"), "logo_invalid"),
    ],
    ids=["empty", "svg", "gif", "cut", "only a head", "too many pixels", "16 bits", "cmyk"],
)
async def test_what_is_no_picture_for_paper_is_refused(billing: httpx.AsyncClient, content: bytes, code: str):
    answer = await put(billing, content)

    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert (await billing.get("/v1/seller-profile/logo")).status_code == 404


async def test_a_small_file_that_unpacks_to_gigabytes_is_refused_unopened(billing: httpx.AsyncClient):
    def chunk(kind: bytes, data: bytes) -> bytes:
        return pack(">I", len(data)) + kind + data + pack(">I", zlib.crc32(kind + data))

    bomb = (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0))
        + chunk(b"IDAT", zlib.compress(b"\0" * 100_000))
        + chunk(b"IEND", b"")
    )

    assert (await put(billing, bomb)).status_code == 422


async def test_a_logo_has_a_limit_a_type_and_a_version(billing: httpx.AsyncClient):
    large = await put(billing, b"\x89PNG\r\n\x1a\n" + b"\x00" * 256 * 1024)
    typed = await put(billing, picture(), "image/svg+xml")
    stale = await put(billing, picture(), version=7)

    assert (large.status_code, typed.status_code, stale.status_code) == (413, 415, 412)


async def test_another_company_has_no_part_in_it(
    suite: Suite, billing: httpx.AsyncClient, stranger: TenantFacts
):
    await put(billing, picture())

    assert (await suite.client("billing", stranger).get("/v1/seller-profile/logo")).status_code == 404


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA"])
def test_every_kind_of_picture_that_is_accepted_can_be_printed_and_gives_the_same_bytes(mode: str):
    logo = picture("PNG", mode)

    first, second = render_pdf(document(), logo), render_pdf(document(), logo)

    assert first == second
    assert pictures(first) == [(120, 40)]

"""Logos made to break documents: they are refused, or every document is made; a kept one stops no document."""

import zlib
from io import BytesIO
from random import Random
from struct import pack
from typing import Any

import httpx
import pytest
from PIL import Image

from services.billing.documents import actions
from services.billing.documents.logos import NotALogo, check_logo
from services.billing.documents.pdf import draw_pdf
from shared.context.ctx import TenantFacts
from tests.billing.documents.samples import document
from tests.billing.documents.test_logo import pictures, put
from tests.billing.given import given_customer, given_invoice, line
from tests.kit.suite import Suite

SIGNATURE = b"\x89PNG\r\n\x1a\n"
ROWS = (b"\0" + bytes(range(20))) * 10
PALETTE = (b"PLTE", b"\1\2\3" * 256)


def chunk(kind: bytes, data: bytes) -> bytes:
    return pack(">I", len(data)) + kind + data + pack(">I", zlib.crc32(kind + data))


def png(colours: int, rows: bytes, *more: tuple[bytes, bytes], side: tuple[int, int] = (20, 10)) -> bytes:
    head = chunk(b"IHDR", pack(">IIBBBBB", *side, 8, colours, 0, 0, 0))
    between = b"".join(chunk(*each) for each in more)
    return SIGNATURE + head + between + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


HOSTILE = {
    "no palette": png(3, ROWS),
    "empty palette": png(3, ROWS, (b"PLTE", b"")),
    "more transparencies than colours": png(3, ROWS, PALETTE, (b"tRNS", b"\0" * 300)),
    "one row of a thousand": png(2, b"\0" + b"\1\2\3" * 1000, side=(1000, 1000)),
    "no row": png(2, b""),
    "one byte too few": png(3, ROWS[:-1], PALETTE),
    "two heads": png(2, ROWS * 3, (b"IHDR", pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))),
    "a wrong checksum": png(3, ROWS, PALETTE)[:-16] + b"\0" * 4 + chunk(b"IEND", b""),
}


def saved(kind: str, **how: Any) -> bytes:
    file = BytesIO()
    Image.effect_noise((24, 12), 60).convert(how.pop("mode", "RGB")).save(file, kind, **how)
    return file.getvalue()


def mended(content: bytes) -> bytes:
    """A PNG with right checksums, as far as its chunks can be told apart."""
    place, made = 8, SIGNATURE
    while place + 12 <= len(content):
        length = int.from_bytes(content[place : place + 4], "big")
        made += chunk(content[place + 4 : place + 8], content[place + 8 : place + 8 + length])
        place += length + 12
    return made


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
async def test_a_hostile_picture_is_refused_and_documents_are_made(
    suite: Suite, tenant: TenantFacts, content: bytes
):
    billing = suite.client("billing", tenant)

    answer = await put(billing, content)
    bill = await given_invoice(billing, line(), customer_id=str(await given_customer(suite, tenant)))

    assert (answer.status_code, answer.json()["code"]) == (422, "logo_invalid")
    assert (await billing.get(f"/v1/invoices/{bill['id']}/pdf")).status_code == 200


@pytest.mark.parametrize("mode", ["P", "RGB", "RGBA"])
@pytest.mark.parametrize("seed", range(3))
def test_a_damaged_png_is_refused_or_drawn(mode: str, seed: int):
    _damaged(saved("PNG", mode=mode), "image/png", Random(seed), mend=seed > 0)


@pytest.mark.parametrize("seed", range(3))
def test_a_damaged_jpeg_is_refused_or_drawn(seed: int):
    _damaged(saved("JPEG", quality=30), "image/jpeg", Random(seed))


def _damaged(good: bytes, media_type: str, random: Random, *, mend: bool = False) -> None:
    check_logo(good, media_type)
    for _ in range(12):
        bad = bytearray(good)
        bad[random.randrange(len(bad))] = random.randrange(256)
        logo = mended(bytes(bad)) if mend else bytes(bad)
        try:
            check_logo(logo, media_type)
        except NotALogo:
            continue
        made = draw_pdf(document(), logo)
        assert made.content.startswith(b"%PDF")
        assert not made.warnings


@pytest.mark.parametrize("side", [(1, 1), (3, 7), (8, 8), (21, 13)])
@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA"])
def test_a_whole_picture_is_accepted_whatever_its_size(mode: str, side: tuple[int, int]):
    file = BytesIO()
    Image.new(mode, side).save(file, "PNG")

    check_logo(file.getvalue(), "image/png")


def test_a_whole_interlaced_picture_is_accepted_and_a_short_one_is_not():
    def interlaced(rows: bytes) -> bytes:
        head = chunk(b"IHDR", pack(">IIBBBBB", 5, 3, 8, 0, 0, 0, 1))
        return SIGNATURE + head + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")

    # 5 × 3 pixels come in passes of 1 × 1, 1 × 1, none, 1 × 1, 3 × 1, 2 × 2 and 5 × 1
    whole = b"".join(b"\0" + b"\x7f" * width for width in (1, 1, 1, 3, 2, 2, 5))
    check_logo(interlaced(whole), "image/png")
    check_logo(interlaced(whole) + b"trailing", "image/png")

    with pytest.raises(NotALogo):
        check_logo(interlaced(whole[:-1]), "image/png")


@pytest.mark.parametrize("kind", ["no palette", "empty palette", "more transparencies than colours"])
async def test_a_document_whose_kept_logo_cannot_be_drawn_is_made_without_it(
    suite: Suite, tenant: TenantFacts, monkeypatch: pytest.MonkeyPatch, kind: str
):
    billing = suite.client("billing", tenant)
    monkeypatch.setattr(actions, "check_logo", lambda content, media_type: None)
    assert (await put(billing, HOSTILE[kind])).status_code == 200
    customer = str(await given_customer(suite, tenant))
    bill = await given_invoice(billing, line(), customer_id=customer)

    answers: list[httpx.Response] = [
        await billing.get(f"/v1/invoices/{bill['id']}/pdf"),
        await billing.get(f"/v1/customers/{customer}/statement/pdf"),
    ]

    for answer in answers:
        assert answer.status_code == 200, answer.text
        assert "without the logo" in answer.headers["backoffice-warning"]
        assert pictures(answer.content) == []

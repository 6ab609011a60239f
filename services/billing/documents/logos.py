"""Which pictures become logos: PNG and JPEG that a program can open, not larger than paper needs."""

from __future__ import annotations

import zlib
from io import BytesIO
from struct import unpack_from
from typing import Final

from shared.values.faults import Invalid

MEDIA_TYPES: Final = ("image/png", "image/jpeg")
MOST_BYTES: Final = 256 * 1024
MODES: Final = frozenset(("1", "L", "LA", "P", "RGB", "RGBA"))  # as Pillow names them: no CMYK, no 16 bits
MOST_PIXELS: Final = 2_000 * 1_000  # 60 × 20 mm at 800 dpi; a small file may unpack to gigabytes
_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_CHANNELS: Final = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # by a PNG's colour type
_WHOLE: Final = ((0, 0, 1, 1),)  # the passes a PNG comes in: first column and row, steps to the next ones
_ADAM7: Final = (
    (0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2),
)  # fmt: skip


class NotALogo(Invalid):
    """The file is no picture that could stand on a document."""

    code = "logo_invalid"


def check_logo(content: bytes, media_type: str) -> None:
    """Refuse what a document could not carry. CPU work: a server runs it in a thread.

    `media_type` is what the file's first bytes say. The size is checked before a pixel is unpacked; then the file is
    read strictly and drawn once as a document draws it.
    """
    from shared.paper.letterhead import try_logo  # with fpdf2 and Pillow, by whoever needs them first

    if media_type not in MEDIA_TYPES:
        raise NotALogo("The file is neither PNG nor JPEG, whatever it was called.")
    try:
        _read(content)
        if media_type == "image/png" and _ends_early(content):
            raise NotALogo("The picture ends before its last row; save it again.")
        try_logo(content)
    except NotALogo:
        raise
    except Exception as error:  # a damaged file fails anywhere in Pillow and fpdf
        raise NotALogo(f"The picture cannot be opened: {error}.") from error


def _read(content: bytes) -> None:
    """Open the file, within its limits, with every checksum right."""
    from PIL import Image

    with Image.open(BytesIO(content), formats=("PNG", "JPEG")) as picture:
        if picture.width * picture.height > MOST_PIXELS:
            raise NotALogo(
                f"The picture has {picture.width} × {picture.height} pixels; {MOST_PIXELS:,} in all are enough.",
                most_pixels=MOST_PIXELS,
            )
        if picture.mode not in MODES:
            raise NotALogo(f"The picture's colours are {picture.mode}; save it as RGB with 8 bits a channel.")
        picture.verify()


def _ends_early(png: bytes) -> bool:
    """Whether a PNG holds fewer rows than its head says: Pillow makes the others black and says nothing."""
    place, packed = len(_SIGNATURE), []
    kind = b""
    while kind != b"IEND":
        length, kind = unpack_from(">I4s", png, place)
        if (kind == b"IHDR") != (place == len(_SIGNATURE)):
            raise NotALogo("The picture does not begin with its head, or has another one.")
        if kind == b"IDAT":
            packed.append(png[place + 8 : place + 8 + length])
        place += length + 12  # length, kind and checksum
    width, height, depth, colours, *_, interlaced = unpack_from(">IIBBBBB", png, len(_SIGNATURE) + 8)
    needed: int = sum(
        rows * (1 + (columns * depth * _CHANNELS[colours] + 7) // 8)
        for left, top, right, down in (_ADAM7 if interlaced else _WHOLE)
        if (rows := -(-(height - top) // down)) > 0 and (columns := -(-(width - left) // right)) > 0
    )
    return len(zlib.decompressobj().decompress(b"".join(packed), needed)) < needed

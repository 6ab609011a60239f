"""Which pictures become logos: PNG and JPEG that a program can open, not larger than paper needs."""

from __future__ import annotations

from io import BytesIO
from typing import Final

from shared.values.faults import Invalid

MEDIA_TYPES: Final = ("image/png", "image/jpeg")
MOST_BYTES: Final = 256 * 1024
MODES: Final = frozenset(("1", "L", "LA", "P", "RGB", "RGBA"))  # as Pillow names them: no CMYK, no 16 bits
MOST_PIXELS: Final = 2_000 * 1_000  # 60 × 20 mm at 800 dpi; a small file may unpack to gigabytes


class NotALogo(Invalid):
    """The file is no picture that could stand on a document."""

    code = "logo_invalid"


def check_logo(content: bytes, media_type: str) -> None:
    """Refuse what a document could not carry. CPU work: a server runs it in a thread.

    `media_type` is what the file's first bytes say. The size is checked before a pixel is unpacked.
    """
    from PIL import Image, UnidentifiedImageError  # with fpdf2, by whoever needs it first

    if media_type not in MEDIA_TYPES:
        raise NotALogo("The file is neither PNG nor JPEG, whatever it was called.")
    try:
        with Image.open(BytesIO(content), formats=("PNG", "JPEG")) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                raise NotALogo(
                    f"The picture has {picture.width} × {picture.height} pixels; {MOST_PIXELS:,} in all are enough.",
                    most_pixels=MOST_PIXELS,
                )
            if picture.mode not in MODES:
                raise NotALogo(
                    f"The picture's colours are {picture.mode}; save it as RGB with 8 bits a channel."
                )
            picture.load()
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise NotALogo(f"The picture cannot be opened: {error}.") from error

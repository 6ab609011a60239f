"""Which fonts there are: the typeface that comes with us, then what is found on the machine.

DejaVu Sans Condensed 2.37 (typefaces/, Bitstream Vera licence) sets Latin, Greek, Cyrillic, Armenian, Georgian, Hebrew,
Arabic, symbols and the common smileys. Whatever it lacks is looked for in the folders of `BACKOFFICE_FONT_FOLDERS`,
then in the system's (Debian: fonts-noto-core, fonts-noto-cjk). Nothing is looked at before a document needs it; names
are listed once a process, and a file is opened when a letter may be in it.
"""

from __future__ import annotations

import os
import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import uharfbuzz as hb

TYPEFACES = Path(__file__).parent / "typefaces"
SYSTEM_FOLDERS = ("/usr/local/share/fonts", "/usr/share/fonts")
_STYLE = re.compile(r"-(?:Regular|Book)$")
_OTHER_STYLE = re.compile(r"(?i)-[^-]*(?:bold|black|light|thin|medium|italic|oblique|heavy)|color")
# Noto Sans CJK is one file with a face for each place where the same letter is written otherwise.
_CJK_FACES = {"KR": 1, "KP": 1, "CN": 2, "SG": 2, "TW": 3, "HK": 4, "MO": 4}
_CJK = re.compile("[\u1100-\u11ff\u2e80-\ua4cf\uac00-\ud7ff\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff]")


@dataclass(frozen=True, slots=True)
class Face:
    """One font: its file, and its place in it where the file holds several."""

    path: Path
    number: int = 0


BODY = Face(TYPEFACES / "DejaVuSansCondensed.ttf")
BODY_BOLD = Face(TYPEFACES / "DejaVuSansCondensed-Bold.ttf")


@cache
def opened(face: Face) -> hb.Face:
    """The font, read by HarfBuzz as far as it is asked for."""
    return hb.Face(hb.Blob.from_file_path(str(face.path)), face.number)


@cache
def letters_of(face: Face) -> hb.Set:
    """The code points it can draw; none of a file that is no font with outlines."""
    found = opened(face)
    return found.unicodes if {"glyf", "CFF "} & set(found.table_tags) else hb.Set()


@cache
def find_face(code: int, country: str) -> Face | None:
    """A font that can draw the letter as it is written in a country (ISO 3166-1); None where no font can."""
    for face in (BODY, *_candidates(_script(code), country)):
        if code in letters_of(face):
            return face
    return None


@cache
def bold_of(face: Face) -> Face | None:
    """The bold font of the same family, where there is one."""
    if face == BODY:
        return BODY_BOLD
    for stem in (_STYLE.sub("-Bold", face.path.stem), f"{face.path.stem}-Bold"):
        path = face.path.with_name(stem + face.path.suffix)
        if path != face.path and path.exists():
            return Face(path, face.number)
    return None


def _script(code: int) -> str:
    """The first word of the letter's name in Unicode, which is its script: "arabic", "devanagari"; or "cjk"."""
    if _CJK.match(chr(code)):
        return "cjk"
    return unicodedata.name(chr(code), "").partition(" ")[0].casefold()


@cache
def _candidates(script: str, country: str) -> tuple[Face, ...]:
    """Fonts that say in their name that they are for the script, then all others."""
    named = [path for path in _files() if script and script in path.stem.casefold()]
    numbers = {".ttc": _CJK_FACES.get(country, 0)}
    return tuple(
        Face(path, numbers.get(path.suffix, 0) if "CJK" in path.stem else 0)
        for path in dict.fromkeys((*named, *_files()))
    )


@cache
def _files() -> tuple[Path, ...]:
    """Upright fonts of usual weight, the setting's folders ahead, plain sans-serif ones ahead of others."""
    from shared.base.settings import KernelSettings  # a fifth of a second that Western documents do without

    folders = (*filter(None, KernelSettings().font_folders.split(os.pathsep)), *SYSTEM_FOLDERS)
    found: list[Path] = []
    for folder in folders:
        files = [
            path
            for path in Path(folder).rglob("*")
            if path.suffix in (".ttf", ".otf", ".ttc") and not _OTHER_STYLE.search(path.stem)
        ]
        found += sorted(files, key=_rank)
    return tuple(dict.fromkeys(found))


def _rank(path: Path) -> tuple[bool, bool, int, str]:
    name = _STYLE.sub("", path.stem)
    return "Sans" not in name, "Mono" in name or name.endswith("UI"), len(name), str(path)

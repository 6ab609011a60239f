"""Rules of order imports: what an import is, how a file is split, how its rows become orders."""

from services.orders.imports.rules.model import (
    DEFAULT_MAPPING,
    FIELDS,
    LIFECYCLE,
    Code,
    FileOrder,
    ImportState,
    ParsedFile,
    Problem,
    Reading,
    Row,
    UnreadableFile,
)
from services.orders.imports.rules.orders import parse_file, refuse_rest

__all__ = [
    "DEFAULT_MAPPING",
    "FIELDS",
    "LIFECYCLE",
    "Code",
    "FileOrder",
    "ImportState",
    "ParsedFile",
    "Problem",
    "Reading",
    "Row",
    "UnreadableFile",
    "parse_file",
    "refuse_rest",
]

"""A drawn sheet as a file for the archive: PDF/A-3B (ISO 19005-3) with its metadata in XMP, and a file inside it.

Nothing in the file is of the moment it is made: the same pages give the same bytes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from xml.sax.saxutils import escape

from shared.paper.made import Paper, missing_letters
from shared.paper.sheet import Sheet

_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # in XML 1.0


@dataclass(frozen=True, slots=True)
class Described:
    """What the file says of itself; `day` counts as the day it was made on, `program` as what made it."""

    title: str
    author: str
    subject: str
    language: str
    day: date
    program: str


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file inside the document that says the same as its pages; `metadata` are RDF descriptions of it."""

    name: str
    media_type: str
    description: str
    content: bytes
    metadata: str


def finished(sheet: Sheet, described: Described, attachment: Attachment | None = None) -> Paper:
    """The sheet's bytes, and warnings: what was remarked, and the letters that no font has."""
    made = datetime.combine(described.day, time(), UTC)
    sheet.set_title(_clean(described.title))
    sheet.set_lang(described.language)
    sheet.set_creation_date(made)
    sheet.set_xmp_metadata(_xmp(described, made, attachment.metadata if attachment else ""))
    if attachment is not None:
        sheet.embed_file(
            bytes=attachment.content,
            basename=attachment.name,
            mime_type=attachment.media_type,
            desc=attachment.description,
            creation_date=made,
            modification_date=made,
            associated_file_relationship="Alternative",
            compress=True,
            checksum=True,
        )
    return Paper(bytes(sheet.output() or b""), (*sheet.remarks, *missing_letters(sheet.letters.missing)))


def _clean(text: str) -> str:
    """The text without what neither a file name nor XML can hold."""
    return _FORBIDDEN.sub("", text)


def _xmp(described: Described, made: datetime, more: str) -> str:
    moment = made.isoformat(timespec="seconds")
    texts = (described.title, described.subject, described.author, described.program)
    title, subject, author, program = (escape(_clean(text)) for text in texts)
    return f"""<x:xmpmeta xmlns:x="adobe:ns:meta/">
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/">
<pdfaid:part>3</pdfaid:part><pdfaid:conformance>B</pdfaid:conformance>
</rdf:Description>
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/">
<dc:format>application/pdf</dc:format>
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">{title}</rdf:li></rdf:Alt></dc:title>
<dc:creator><rdf:Seq><rdf:li>{author}</rdf:li></rdf:Seq></dc:creator>
<dc:description><rdf:Alt><rdf:li xml:lang="x-default">{subject}</rdf:li></rdf:Alt></dc:description>
<dc:language><rdf:Bag><rdf:li>{described.language}</rdf:li></rdf:Bag></dc:language>
</rdf:Description>
<rdf:Description rdf:about="" xmlns:pdf="http://ns.adobe.com/pdf/1.3/"><pdf:Producer>{program}</pdf:Producer></rdf:Description>
<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/">
<xmp:CreatorTool>{program}</xmp:CreatorTool>
<xmp:CreateDate>{moment}</xmp:CreateDate><xmp:ModifyDate>{moment}</xmp:ModifyDate>
</rdf:Description>
{more}</rdf:RDF>
</x:xmpmeta>"""

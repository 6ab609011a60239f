"""The file that a sheet becomes: PDF/A-3B that says what it is, the same bytes for the same pages."""

from datetime import date
from io import BytesIO
from xml.etree.ElementTree import fromstring

import pytest
from pypdf import PdfReader

from shared.paper.archive import Attachment, Described, finished
from shared.paper.sheet import MARGIN, Sheet

DESCRIBED = Described("T < & \x00\ud800 é", "Ann & Co", "about", "de", date(2026, 3, 6), "maker")


def made(attachment: Attachment | None = None) -> bytes:
    sheet = Sheet(["Größe שלום x̂"], stamp="DRAFT")
    sheet.add_page()
    sheet.put(MARGIN, 100, "Größe שלום x̂")
    return finished(sheet, DESCRIBED, attachment).content


def test_the_metadata_say_pdf_a_3b_title_language_and_day():
    reader = PdfReader(BytesIO(made()))
    xmp = reader.xmp_metadata

    assert xmp is not None
    assert (xmp.dc_title["x-default"], xmp.dc_creator) == ("T < &  é", ["Ann & Co"])
    assert xmp.xmp_create_date.date() == date(2026, 3, 6)
    text = reader.root_object["/Metadata"].get_object().get_data().decode()
    assert "<pdfaid:part>3</pdfaid:part><pdfaid:conformance>B</pdfaid:conformance>" in text
    assert reader.root_object["/Lang"] == "de"
    assert reader.root_object["/OutputIntents"][0].get_object()["/S"] == "/GTS_PDFA1"
    assert reader.trailer["/ID"]


def test_every_font_is_embedded_and_no_letter_is_an_empty_box():
    (page,) = PdfReader(BytesIO(made())).pages
    fonts = [font.get_object() for font in page["/Resources"]["/Font"].values()]

    assert fonts
    for font in fonts:
        descriptor = font["/DescendantFonts"][0].get_object()["/FontDescriptor"].get_object()
        assert "/FontFile2" in descriptor or "/FontFile3" in descriptor


def test_the_same_pages_are_the_same_bytes():
    assert made() == made()


def test_an_attachment_is_associated_and_described():
    metadata = '<rdf:Description rdf:about="" xmlns:x="urn:x#"><x:a>1</x:a></rdf:Description>'
    content = made(Attachment("data.xml", "text/xml", "the same as data", b"<a/>", metadata))
    reader = PdfReader(BytesIO(content))

    assert reader.attachments["data.xml"] == [b"<a/>"]
    (named,) = reader.root_object["/AF"]
    assert named.get_object()["/AFRelationship"] == "/Alternative"
    stream = named.get_object()["/EF"]["/F"].get_object()
    assert stream["/Subtype"] == "/text/xml"
    assert stream["/Params"]["/ModDate"].startswith("D:20260306")
    xmp = reader.root_object["/Metadata"].get_object().get_data().decode()
    root = fromstring(xmp[xmp.index("<x:xmpmeta") : xmp.index("<?xpacket end")])
    assert any(element.tag == "{urn:x#}a" for element in root.iter())


@pytest.mark.parametrize("forbidden", [b"/Encrypt", b"/JavaScript", b"/LZWDecode"])
def test_what_the_archive_forbids_is_not_in_it(forbidden: bytes):
    assert forbidden not in made()

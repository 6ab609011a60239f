"""Factur-X: the pages for people and the data for programs in one file, where the data is valid."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO

import pytest
from facturx import get_xml_from_pdf
from lxml import etree
from pypdf import PdfReader

from services.billing.documents.content import BankAccount, References
from services.billing.documents.pdf import render_pdf
from services.billing.documents.xml import render_xml

from .samples import BUYER, SELLER, credit_note, document

ACCOUNT = BankAccount("Nordlicht Büromöbel", "DE89370400440532013000", "COBADEFFXXX")


def attachments(pdf: bytes) -> dict[str, bytes]:
    return {name: files[0] for name, files in PdfReader(BytesIO(pdf)).attachments.items()}


@pytest.mark.parametrize(
    "content",
    [document(), credit_note(), document(language="de")],
    ids=["invoice", "credit note", "German"],
)
def test_a_reader_of_factur_x_finds_the_data_and_it_is_the_data_form(content):
    name, found = get_xml_from_pdf(render_pdf(content), check_xsd=True)

    assert name == "factur-x.xml"
    assert found == render_xml(content)


def test_the_metadata_name_file_level_and_schema():
    reader = PdfReader(BytesIO(render_pdf(document())))
    packet = reader.root_object["/Metadata"].get_object().get_data()
    root = etree.fromstring(packet[packet.index(b"<x:xmpmeta") : packet.index(b"<?xpacket end")])
    fx = "{urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#}"

    said = {e.tag.removeprefix(fx): e.text for e in root.iter() if str(e.tag).startswith(fx)}

    assert said == {
        "DocumentType": "INVOICE",
        "DocumentFileName": "factur-x.xml",
        "Version": "1.0",
        "ConformanceLevel": "EN 16931",
    }
    names = [e.text for e in root.iter("{http://www.aiim.org/pdfa/ns/property#}name")]
    assert set(names) == set(said)
    (named,) = reader.root_object["/AF"]
    assert named.get_object()["/AFRelationship"] == "/Alternative"


@pytest.mark.parametrize(
    "content",
    [
        document(state="draft", number=""),
        document(seller=replace(SELLER, tax_id="")),
        document(buyer=replace(BUYER, name=" ")),
    ],
    ids=["draft", "seller without id", "customer without name"],
)
def test_what_has_no_valid_data_is_paper_alone(content):
    pdf = render_pdf(content)

    assert attachments(pdf) == {}
    assert b"factur-x" not in PdfReader(BytesIO(pdf)).root_object["/Metadata"].get_object().get_data()


def test_data_that_is_given_is_what_is_embedded():
    assert attachments(render_pdf(document(), xml=b"<given/>")) == {"factur-x.xml": b"<given/>"}


def test_a_customer_who_asks_for_xrechnung_gets_it_inside():
    content = document(
        profile="xrechnung",
        seller=replace(SELLER, contact_name="Inken Thomsen", phone="+49 40 1234567"),
        bank_account=ACCOUNT,
        payment_terms="",
        references=References(buyer_reference="04011000-12345-34"),
    )

    assert attachments(render_pdf(content)) == {"xrechnung.xml": render_xml(content)}


def test_the_same_content_gives_the_same_bytes_with_its_data():
    assert render_pdf(document(bank_account=ACCOUNT)) == render_pdf(document(bank_account=ACCOUNT))

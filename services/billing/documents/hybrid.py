"""The data form inside the paper form: Factur-X 1.0 (ZUGFeRD 2), with the metadata that says so.

Source: Factur-X 1.0, chapter 6: attachment `factur-x.xml`, relationship Alternative, XMP extension schema
`urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#`; the German reference profile is named `xrechnung.xml`. Credit
notes have the document type INVOICE, too.
"""

from __future__ import annotations

from shared.paper.archive import Attachment

_NAMESPACE = "urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#"
_PROPERTIES = (
    ("DocumentFileName", "name of the embedded XML invoice file"),
    ("DocumentType", "INVOICE"),
    ("Version", "version of the XML schema of the embedded XML invoice"),
    ("ConformanceLevel", "conformance level of the embedded XML invoice"),
)


def attached(xml: bytes) -> Attachment:
    """An invoice's EN 16931 XML as what is embedded in its PDF."""
    german = b"xrechnung" in xml[:2000]
    name, level = ("xrechnung.xml", "XRECHNUNG") if german else ("factur-x.xml", "EN 16931")
    return Attachment(name, "text/xml", "Factur-X invoice", xml, _metadata(name, level))


def _metadata(name: str, level: str) -> str:
    properties = "".join(
        f"<rdf:li rdf:parseType='Resource'><pdfaProperty:name>{each}</pdfaProperty:name>"
        "<pdfaProperty:valueType>Text</pdfaProperty:valueType><pdfaProperty:category>external</pdfaProperty:category>"
        f"<pdfaProperty:description>{meaning}</pdfaProperty:description></rdf:li>\n"
        for each, meaning in _PROPERTIES
    )
    return f"""<rdf:Description rdf:about="" xmlns:fx="{_NAMESPACE}">
<fx:DocumentType>INVOICE</fx:DocumentType>
<fx:DocumentFileName>{name}</fx:DocumentFileName>
<fx:Version>1.0</fx:Version>
<fx:ConformanceLevel>{level}</fx:ConformanceLevel>
</rdf:Description>
<rdf:Description rdf:about="" xmlns:pdfaExtension="http://www.aiim.org/pdfa/ns/extension/"
  xmlns:pdfaSchema="http://www.aiim.org/pdfa/ns/schema#" xmlns:pdfaProperty="http://www.aiim.org/pdfa/ns/property#">
<pdfaExtension:schemas><rdf:Bag><rdf:li rdf:parseType="Resource">
<pdfaSchema:schema>Factur-X PDFA Extension Schema</pdfaSchema:schema>
<pdfaSchema:namespaceURI>{_NAMESPACE}</pdfaSchema:namespaceURI>
<pdfaSchema:prefix>fx</pdfaSchema:prefix>
<pdfaSchema:property><rdf:Seq>
{properties}</rdf:Seq></pdfaSchema:property>
</rdf:li></rdf:Bag></pdfaExtension:schemas>
</rdf:Description>
"""

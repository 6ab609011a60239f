"""Tax codes a new tenant starts with, by its country: `standard`, `reduced`, `zero` and `exempt`.

Rates as in force in November 2026, per cent, each with its statute. A starting point, not advice: the
statutes and dates are from general knowledge, not copied from the official texts. EU standard rates and the
changes of 2024..2026 were checked against trade publications of 2025/26 (Sovos, easytax.co, newcraft.dev,
essentiaglobalservices.com). Every rate outside the EU, every date before 2024, and what is marked so, is an
assumption that the tenant should confirm.

A country may have several reduced rates: the one here is what its law applies most widely, and the name
tells the others. Where a country has none, `reduced` carries the standard rate, so that nothing is undertaxed
by accident. EN 16931 (UNTDID 5305) categories: S standard and reduced alike, Z zero, E exempt; O out of scope where no
rate is known, since what is standard rated has a rate above zero (BR-S-05).
"""

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final
from uuid import UUID, uuid5

_ALWAYS: Final = date(2000, 1, 1)
_COUNTRY: Final = re.compile("[A-Z]{2}")


@dataclass(frozen=True, slots=True)
class TaxCodeSeed:
    """A tax code to create with a tenant: `rate` in per cent, valid from that local date on."""

    code: str
    name: str
    rate: Decimal
    category: str
    valid_from: date


@dataclass(frozen=True, slots=True)
class _Country:
    """A country's rates: each a text of per cent and the day it took effect."""

    tax: str
    standard: str
    since: str
    reduced: str = ""
    reduced_since: str = ""
    others: str = ""


_RATES: Final[dict[str, _Country]] = {
    # Umsatzsteuergesetz 1994 § 10; 4.9 for basic food since 1 July 2026
    "AT": _Country("VAT", "20", "1995-01-01", "10", "1995-01-01", "13, 4.9"),
    # Royal Decree no. 20 of 20 July 1970, as amended 1996 (21); 12 since 1 March 2026 also for hotels
    "BE": _Country("VAT", "21", "1996-01-01", "6", "1996-01-01", "12"),
    # ZDDS (VAT Act) art. 66: 20, and 9 for accommodation since 2011
    "BG": _Country("VAT", "20", "1999-01-01", "9", "2011-04-01"),
    # Loi TVA/MWSTG art. 25, rates of 1 January 2024
    "CH": _Country("VAT", "8.1", "2024-01-01", "2.6", "2024-01-01", "3.8 for accommodation"),
    # VAT Law 95(I)/2000, Fifth Schedule; 19 since 13 January 2014
    "CY": _Country("VAT", "19", "2014-01-13", "5", "2003-01-01", "9, 3"),
    # Act 235/2004 Coll. § 47; single reduced rate by Act 349/2023 Coll.
    "CZ": _Country("VAT", "21", "2013-01-01", "12", "2024-01-01"),
    # Umsatzsteuergesetz § 12; after the temporary 16/5 of July..December 2020
    "DE": _Country("VAT", "19", "2021-01-01", "7", "2021-01-01"),
    # Momsloven § 33: 25 since 1992, no reduced rate
    "DK": _Country("VAT", "25", "1992-01-01"),
    # Käibemaksuseadus § 15; 24 since 1 July 2025, 9 since 2009
    "EE": _Country("VAT", "24", "2025-07-01", "9", "2009-01-01", "13 for accommodation"),
    # Ley 37/1992 art. 90, 91, as amended by RDL 20/2012
    "ES": _Country("VAT", "21", "2012-09-01", "10", "2012-09-01", "4"),
    # Arvonlisäverolaki 1501/1993 § 84, 85; 25.5 since September 2024, 13.5 (was 14) since January 2026
    "FI": _Country("VAT", "25.5", "2024-09-01", "13.5", "2026-01-01", "10"),
    # Code général des impôts art. 278, 278-0 bis (5.5), 278 bis (10)
    "FR": _Country("VAT", "20", "2014-01-01", "5.5", "2000-01-01", "10, 2.1"),
    # Value Added Tax Act 1994 s. 2, 29A; 20 by Finance (No. 2) Act 2010
    "GB": _Country("VAT", "20", "2011-01-04", "5", "1997-09-01"),
    # VAT Code (Law 2859/2000, now 5144/2024) art. 21; 24 by Law 4389/2016
    "GR": _Country("VAT", "24", "2016-06-01", "13", "2011-01-01", "6"),
    # Zakon o PDV art. 38; 25 since March 2012, 13 since 2014
    "HR": _Country("VAT", "25", "2012-03-01", "13", "2014-01-01", "5"),
    # Act CXXVII of 2007 § 82; 27 since 2012. Reduced: 5 applies more widely than 18 (assumption)
    "HU": _Country("VAT", "27", "2012-01-01", "5", "2004-01-01", "18"),
    # VAT Consolidation Act 2010 s. 46; 23 again since March 2021 (21 before); 9 catering since July 2026
    "IE": _Country("VAT", "23", "2021-03-01", "13.5", "2003-01-01", "9, 4.8"),
    # DPR 633/1972 art. 16; 22 by DL 76/2013; date of the 10 is an assumption
    "IT": _Country("VAT", "22", "2013-10-01", "10", "2000-01-01", "5, 4"),
    # PVM įstatymas art. 19; Law XV-287: 12 in place of 9 since January 2026 (Sovos, 5 January 2026)
    "LT": _Country("VAT", "21", "2009-09-01", "12", "2026-01-01", "5"),
    # Loi TVA of 12 February 1979 art. 39; 17 and 8 again since 2024 (16 and 7 in 2023)
    "LU": _Country("VAT", "17", "2024-01-01", "8", "2024-01-01", "14, 3"),
    # PVN likums § 41; 21 since July 2012, 12 since 2011
    "LV": _Country("VAT", "21", "2012-07-01", "12", "2011-01-01", "5"),
    # VAT Act Cap. 406 art. 18; date of the 5 is an assumption
    "MT": _Country("VAT", "18", "2004-01-01", "5", "2004-01-01", "7, 12"),
    # Wet op de omzetbelasting 1968 art. 9; 9 since 2019
    "NL": _Country("VAT", "21", "2012-10-01", "9", "2019-01-01"),
    # Ustawa o VAT art. 41, 146ef: 23 and 8 while the increased rates last
    "PL": _Country("VAT", "23", "2011-01-01", "8", "2011-01-01", "5"),
    # CIVA art. 18 (mainland); 23 by Lei 55-A/2010; date of the 6 is an assumption
    "PT": _Country("VAT", "23", "2011-01-01", "6", "2000-01-01", "13"),
    # Codul fiscal art. 291, Law 141/2025
    "RO": _Country("VAT", "21", "2025-08-01", "11", "2025-08-01"),
    # Mervärdesskattelag 2023:200 ch. 9; 6 also for food April 2026..December 2027
    "SE": _Country("VAT", "25", "1990-07-01", "12", "1996-01-01", "6"),
    # ZDDV-1 art. 41, as amended 2013
    "SI": _Country("VAT", "22", "2013-07-01", "9.5", "2013-07-01", "5"),
    # Act 222/2004 § 27, as amended by Act 278/2024
    "SK": _Country("VAT", "23", "2025-01-01", "19", "2025-01-01", "5"),
    # Lög 50/1988 gr. 14, as amended 2014
    "IS": _Country("VAT", "24", "2015-01-01", "11", "2015-01-01"),
    # MWSTG (Liechtenstein) art. 25, follows Switzerland
    "LI": _Country("VAT", "8.1", "2024-01-01", "2.6", "2024-01-01", "3.8 for accommodation"),
    # Merverdiavgiftsloven and the Storting's yearly resolution: 25, food 15, transport 12
    "NO": _Country("VAT", "25", "2005-01-01", "15", "2012-01-01", "12"),
    # Federal Decree-Law 8 of 2017 art. 3
    "AE": _Country("VAT", "5", "2018-01-01"),
    # A New Tax System (Goods and Services Tax) Act 1999 s. 9-70
    "AU": _Country("GST", "10", "2000-07-01"),
    # Excise Tax Act s. 165: 5 federal; provinces add HST, PST or QST, which must be set
    "CA": _Country("federal GST; set provincial tax", "5", "2008-01-01"),
    # Decreto ley 825 of 1974 art. 14
    "CL": _Country("VAT", "19", "2003-10-01"),
    # VAT Act 1975; 18 since January 2025
    "IL": _Country("VAT", "18", "2025-01-01"),
    # CGST Act 2017 s. 9, rates of the 56th GST Council: 18 and 5 since 22 September 2025
    "IN": _Country("GST", "18", "2017-07-01", "5", "2017-07-01", "40"),
    # Consumption Tax Act art. 29 and Local Tax Act: 10, food 8, both since October 2019
    "JP": _Country("Consumption tax", "10", "2019-10-01", "8", "2019-10-01"),
    # Value-Added Tax Act art. 30
    "KR": _Country("VAT", "10", "2000-01-01"),
    # Ley del IVA art. 1; 8 in the border region by decree
    "MX": _Country("VAT", "16", "2010-01-01", others="8 in the border region"),
    # Goods and Services Tax Act 1985 s. 8
    "NZ": _Country("GST", "15", "2010-10-01"),
    # Royal Decree A/638 of 2020
    "SA": _Country("VAT", "15", "2020-07-01"),
    # Goods and Services Tax Act 1993 s. 16
    "SG": _Country("GST", "9", "2024-01-01"),
    # KDV Kanunu 3065 art. 28, Presidential Decree 7346
    "TR": _Country("VAT", "20", "2023-07-10", "10", "2023-07-10", "1"),
    # Value-Added Tax Act 89 of 1991 s. 7; the 15.5 announced for 2025 was withdrawn
    "ZA": _Country("VAT", "15", "2018-04-01"),
}


def tax_codes_for(country: str) -> tuple[TaxCodeSeed, ...]:
    """The four tax codes a tenant of an ISO 3166-1 country starts with.

    A country without known rates gets `standard` and `reduced` out of scope, with a name that says to set them. So
    does the US, which has no national sales tax: state and local tax must be set. Raises ValueError when `country` is
    not two capital letters.
    """
    if not _COUNTRY.fullmatch(country):
        raise ValueError(f"not an ISO 3166-1 alpha-2 country code: {country!r}")
    known = _RATES.get(country)
    if known is None:
        why = "no national sales tax: set state tax" if country == "US" else "rate not known: set it"
        nought = Decimal(0)
        rated = (
            TaxCodeSeed("standard", f"Standard ({why})", nought, "O", _ALWAYS),
            TaxCodeSeed("reduced", f"Reduced ({why})", nought, "O", _ALWAYS),
        )
    else:
        rated = (_standard(known), _reduced(known))
    return (
        *rated,
        TaxCodeSeed("zero", "Zero rated", Decimal(0), "Z", _ALWAYS),
        TaxCodeSeed("exempt", "Exempt", Decimal(0), "E", _ALWAYS),
    )


def _standard(country: _Country) -> TaxCodeSeed:
    """The general rate."""
    since = date.fromisoformat(country.since)
    return TaxCodeSeed("standard", f"Standard ({country.tax})", Decimal(country.standard), "S", since)


def _reduced(country: _Country) -> TaxCodeSeed:
    """The main reduced rate, or the standard one where there is none."""
    also = f"; also {country.others}" if country.others else ""
    if not country.reduced:
        name = f"Reduced ({country.tax}: no general reduced rate, standard applies{also})"
        since = date.fromisoformat(country.since)
        return TaxCodeSeed("reduced", name, Decimal(country.standard), "S", since)
    since = date.fromisoformat(country.reduced_since)
    return TaxCodeSeed("reduced", f"Reduced ({country.tax}{also})", Decimal(country.reduced), "S", since)


def tax_code_id(tenant_id: UUID, code: str, valid_from: date) -> UUID:
    """The id of a seeded tax code: the same in every service that seeds it, so that events find the copy."""
    return uuid5(tenant_id, f"{code}:{valid_from}")

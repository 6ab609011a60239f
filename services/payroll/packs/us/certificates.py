"""Withholding certificates of the states: what people declare beside Form W-4, named as on the state's own form."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, AliasChoices, Field, model_validator
from pydantic_core import PydanticCustomError

from services.payroll.packs.us.amounts import Count, Dollars, Fraction, refused_entries
from shared.values.fields import Flag, WireInput

ZERO: Final = Decimal(0)
MOST_COUNTY_RATE: Final = Decimal("0.05")
"""Above it a county's rate is taken for a slip (per cent for a fraction); the highest in force is below 0.04."""


def _county_rate(rate: Decimal) -> Decimal:
    if rate > MOST_COUNTY_RATE:
        text = 'Must be at most {most}, a fraction: "0.02" is 2 %'
        raise PydanticCustomError("less_than_equal", text, {"most": str(MOST_COUNTY_RATE)})
    return rate


CountyRate = Annotated[Fraction, AfterValidator(_county_rate)]
"""A county's rate as a fraction of one, up to the highest that is taken for one."""


class Certificate(WireInput):
    """What a state's certificate says; what is left out is the form's default."""


class WithAdditional(Certificate):
    """A certificate on which an amount to withhold beside the computed tax is agreed, for each pay period."""

    additional: Dollars = ZERO


class Pennsylvania(Certificate):
    """No certificate; whether the Philadelphia wage tax applies, and as whose."""

    philadelphia: Literal["resident", "nonresident"] | None = None


class Illinois(Certificate):
    """Form IL-W-4: basic allowances (line 1), additional allowances (line 2), additional withholding (line 3)."""

    line1: Count = 0
    line2: Count = 0
    additional: Dollars = Field(default=ZERO, validation_alias=AliasChoices("additional", "line3"))


class Michigan(WithAdditional):
    """Form MI-W4: exemptions, which count for the city's tax, too."""

    exemptions: Count = 0
    city: Literal["DETROIT"] | None = None
    resident: Flag | None = None

    @model_validator(mode="after")
    def _a_city_has_residents(self) -> Self:
        if (self.city is None) != (self.resident is None):
            missing = "city" if self.city is None else "resident"
            error = PydanticCustomError("city_and_resident", "Say both city and resident, or neither")
            raise refused_entries([missing], error)
        return self


class NorthCarolina(WithAdditional):
    """Form NC-4."""

    status: Literal["single_married_surviving", "head_household"] = "single_married_surviving"
    allowances: Count = 0


class Kentucky(WithAdditional):
    """Form K-4."""


class Indiana(WithAdditional):
    """Form WH-4: exemptions by kind; the rate of the county of residence on 1 January, else of work."""

    personal: Count = 0
    dependent: Count = 0
    first_time_dependent: Count = Field(
        default=0, validation_alias=AliasChoices("firstTimeDependent", "first_time_dependent")
    )
    adopted_child: Count = Field(default=0, validation_alias=AliasChoices("adoptedChild", "adopted_child"))
    county_rate: CountyRate | None = Field(
        default=None, validation_alias=AliasChoices("countyRate", "county_rate")
    )


class Colorado(Certificate):
    """Form DR 0004: line 2 replaces the annual deduction, line 3 is withheld beside the tax of each pay period.

    Without a status that of Form W-4 holds.
    """

    status: Literal["married_joint_or_surviving", "other"] | None = None
    line2: Dollars | None = None
    additional: Dollars = Field(default=ZERO, validation_alias=AliasChoices("line3", "additional"))


class Arizona(WithAdditional):
    """Form A-4: the elected rate; `"0"` for an election of no withholding, the form's default rate when left out."""

    rate: Fraction | None = None


class Utah(Certificate):
    """No certificate: the filing status of Form W-4, unless said otherwise here."""

    status: Literal["single", "married", "head_of_household"] | None = None


class Georgia(WithAdditional):
    """Form G-4: marital status and dependents."""

    status: Literal["single_or_head", "married_joint_one_income", "married_separate_or_two_incomes"] = (
        "single_or_head"
    )
    dependents: Count = 0


class California(WithAdditional):
    """Form DE 4: regular allowances (line 1a) and those for estimated deductions (line 1b).

    `single` is also a married person with two or more incomes. `annualised` chooses the annual tables.
    """

    status: Literal["single", "married", "head_household"] = "single"
    regular: Count = 0
    estimated: Count = 0
    annualised: Flag = False


class NewYork(WithAdditional):
    """Form IT-2104: filing status, allowances, and the city whose tax is withheld."""

    status: Literal["single", "married"] = "single"
    exemptions: Count = 0
    city: Literal["NYC", "YONKERS_RESIDENT", "YONKERS_NONRESIDENT"] | None = None


CERTIFICATES: Final[Mapping[str, type[Certificate]]] = {
    "AZ": Arizona,
    "CA": California,
    "CO": Colorado,
    "GA": Georgia,
    "IL": Illinois,
    "IN": Indiana,
    "KY": Kentucky,
    "MI": Michigan,
    "NC": NorthCarolina,
    "NY": NewYork,
    "PA": Pennsylvania,
    "UT": Utah,
}
"""The certificate of each state whose tax is withheld here, by the state's postal code."""

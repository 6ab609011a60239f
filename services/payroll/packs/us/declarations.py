"""What an employee in the United States declares: Form W-4, and the certificate of the state."""

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError

from services.payroll.packs.us.amounts import Count, Dollars, Fraction, refused_entries
from services.payroll.packs.us.certificates import (
    CERTIFICATES,
    ZERO,
    Arizona,
    California,
    Certificate,
    Colorado,
    Georgia,
    Illinois,
    Indiana,
    Kentucky,
    Michigan,
    NewYork,
    NorthCarolina,
    Pennsylvania,
    Utah,
)
from services.payroll.packs.us.states.tables import untaxed
from shared.values.fields import Entries, Flag, WireInput

AnyCertificate = (
    Arizona
    | California
    | Colorado
    | Georgia
    | Illinois
    | Indiana
    | Kentucky
    | Michigan
    | NewYork
    | NorthCarolina
    | Pennsylvania
    | Utah
)
_LATER_ONLY = ("step2", "step3", "step4a", "step4b")


def _form_year(value: object) -> object:
    """The year of a form as its text, also where it comes as a number."""
    return {2019: "2019", 2020: "2020"}.get(value, value) if type(value) is int else value


def _state(value: object) -> str:
    if isinstance(value, str) and (value in CERTIFICATES or value in untaxed().states):
        return value
    text = "There are no tables for this state; there are for {known}"
    known = ", ".join(sorted({*CERTIFICATES, *untaxed().states}))
    raise PydanticCustomError("unsupported_state", text, {"known": known})


class UsDeclarations(WireInput):
    """Form W-4 and the state's certificate.

    `w4` is the form's version: `2020` for 2020 and later (step 2 box, step 3 credits a year, step 4a other income a
    year, step 4b deductions a year, step 4c extra withholding a pay period), `2019` for earlier ones (`allowances`,
    and step 4c as its line 6). Amounts are Money in USD, decimal strings or whole numbers. Who has given no form is
    single without any entry (Publication 15-T). `state` is a postal code; without it no state tax is withheld.
    """

    filing_status: Literal["single", "married_joint", "head_of_household"] = "single"
    w4: Annotated[Literal["2020", "2019"], BeforeValidator(_form_year)] = "2020"
    exempt: Flag = False
    allowances: Count = 0
    step2: Flag = False
    step3: Dollars = ZERO
    step4a: Dollars = ZERO
    step4b: Dollars = ZERO
    step4c: Dollars = ZERO
    state: Annotated[str, BeforeValidator(_state), Field(min_length=2, max_length=2)] | None = None
    state_declaration: AnyCertificate | None = None

    @field_validator("state_declaration", mode="before")
    @classmethod
    def _of_its_state(cls, value: object, info: ValidationInfo) -> Certificate | None:
        """Read the certificate as that of the declared state; errors point into it."""
        state = info.data.get("state")
        model = CERTIFICATES.get(state) if state else None
        if model is not None:
            return model.model_validate({} if value is None else value)
        if value is None or value == {} or "state" not in info.data:
            return None
        text = "There is no certificate without a state" if state is None else "This state has no certificate"
        raise PydanticCustomError("no_certificate", text)

    @model_validator(mode="after")
    def _only_what_the_form_asks(self) -> Self:
        """Entries that the declared version of Form W-4 does not have are refused."""
        if self.w4 == "2020":
            wrong = ["allowances"] if self.allowances else []
        else:
            wrong = [name for name in _LATER_ONLY if getattr(self, name)]
            wrong += ["filing_status"] if self.filing_status == "head_of_household" else []
        if wrong:
            text = "Form W-4 of {w4} has no such entry"
            raise refused_entries(wrong, PydanticCustomError("not_on_form", text, {"w4": self.w4}))
        return self

    def certificate(self) -> Certificate:
        """The declared certificate, or the form's defaults; only of a state whose tax is withheld."""
        if self.state_declaration is not None:
            return self.state_declaration
        return CERTIFICATES[self.state or ""]()


class StateUnemployment(WireInput):
    """An employer's own contribution to a state's unemployment fund, as the state notified it."""

    rate: Fraction
    wage_base: Dollars


class UsEmployer(WireInput):
    """What is to be known of an employer: its unemployment rates by state, without which none is calculated."""

    state_unemployment: Annotated[dict[str, StateUnemployment], Entries(most=60)] = Field(
        default_factory=dict
    )

    def unemployment(self, state: str | None) -> StateUnemployment | None:
        """The rate in a state, if the employer has given one."""
        found: Mapping[str, StateUnemployment] = self.state_unemployment
        return found.get(state or "")

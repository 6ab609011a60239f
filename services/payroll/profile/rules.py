"""Rules of the employer's profile: dated unemployment rates, and what is missing for a pack."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final

from shared.values.faults import FieldError, Invalid

UK: Final = "uk"
US: Final = "us"


@dataclass(frozen=True, slots=True)
class Missing:
    """A field of the profile that a run needs, by its pointer, and what for."""

    pointer: str
    message: str


@dataclass(frozen=True, slots=True)
class ProfileFacts:
    """The profile as plain values; `gb` and `us` as they are on the wire."""

    has_bank_account: bool
    bacs_service_user_number: str | None
    nacha: Mapping[str, Any] | None
    gb: Mapping[str, Any] | None
    us: Mapping[str, Any] | None


def require_one_rate_a_day(rates: Sequence[tuple[str, date]]) -> None:
    """Refuse two unemployment rates of one state from the same day on, as (state, day) (422)."""
    errors = [
        FieldError(
            f"/us/unemployment_rates/{place}/valid_from",
            "already_exists",
            f"{state} has a rate from {valid_from} on already.",
        )
        for place, (state, valid_from) in enumerate(rates)
        if (state, valid_from) in rates[:place]
    ]
    if errors:
        raise Invalid("A state has one unemployment rate on any day.", errors=errors)


def unemployment_rate(profile: ProfileFacts, state: str, on: date) -> Decimal | None:
    """The employer's rate (per cent) in a state on a day: the one that began last; None where none has begun."""
    begun = [
        (date.fromisoformat(rate["valid_from"]), Decimal(rate["rate"]))
        for rate in (profile.us or {}).get("unemployment_rates", ())
        if rate["state"] == state and date.fromisoformat(rate["valid_from"]) <= on
    ]
    return max(begun)[1] if begun else None


def missing_for(
    profile: ProfileFacts, pack: str, *, on: date, work_states: Collection[str] = ()
) -> list[Missing]:
    """What the profile lacks for a run by a pack on a day; `work_states` are the states in which payees work (US)."""
    found = (
        [] if profile.has_bank_account else [Missing("/bank_account", "the account that wages are paid from")]
    )
    if pack == UK:
        found.extend(_missing_in_uk(profile))
    if pack == US:
        found.extend(_missing_in_us(profile, on, sorted(set(work_states))))
    return found


def _missing_in_uk(profile: ProfileFacts) -> Iterator[Missing]:
    gb = profile.gb or {}
    if not gb.get("paye_reference"):
        yield Missing("/gb/paye_reference", "the employer's PAYE reference")
    if not gb.get("accounts_office_reference"):
        yield Missing("/gb/accounts_office_reference", "the reference under which HMRC is paid")
    if not profile.bacs_service_user_number:
        yield Missing("/bacs_service_user_number", "the service user number of a Bacs file")


def _missing_in_us(profile: ProfileFacts, on: date, work_states: Sequence[str]) -> Iterator[Missing]:
    us = profile.us or {}
    if not us.get("ein"):
        yield Missing("/us/ein", "the Employer Identification Number")
    if not profile.nacha:
        yield Missing("/nacha", "the identifications of a NACHA file")
    known = {each["state"] for each in us.get("state_ids", ())}
    for state in work_states:
        if state not in known:
            yield Missing("/us/state_ids", f"the employer's id in {state}")
        if unemployment_rate(profile, state, on) is None:
            yield Missing("/us/unemployment_rates", f"the unemployment rate in {state} on {on}")

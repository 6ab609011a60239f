"""What refuses a position."""

from shared.values.faults import FieldError, Invalid, Refused


class UnknownPosition(Invalid):
    """A position reports to one that is not there."""

    code = "unknown_position"


class PositionCycle(Refused):
    """A position would be above itself."""

    code = "position_cycle"


def unknown_position() -> UnknownPosition:
    """The refusal of a position above that is not there."""
    sentence = "There is no such position."
    return UnknownPosition(sentence, errors=[FieldError("/reports_to", UnknownPosition.code, sentence)])


def position_cycle() -> PositionCycle:
    """The refusal of a position above that is below."""
    sentence = "The position would be above the one it reports to."
    refusal = PositionCycle(sentence)
    refusal.errors = (FieldError("/reports_to", PositionCycle.code, sentence),)
    return refusal

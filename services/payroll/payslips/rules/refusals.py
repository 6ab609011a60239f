"""Why somebody cannot be paid in a run: told by name and rule, while the others are paid."""


class CannotPay(Exception):  # noqa: N818 - named for what happened
    """One payee cannot be calculated. `rule` names what refuses it or the field that is wrong; no amount is told."""

    def __init__(self, code: str, message: str, rule: str) -> None:
        super().__init__(message)
        self.code, self.message, self.rule = code, message, rule


class NotCalculable(CannotPay):
    """An amount, or what amounts come to, is beyond what anybody is paid."""

    def __init__(self, rule: str) -> None:
        super().__init__("not_calculable", "an amount is beyond what can be calculated.", rule)

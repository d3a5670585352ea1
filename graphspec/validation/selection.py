"""Which rules are meant: by code (`GS305`), by the beginning of codes (`GS3`), or by name (`unused`)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from graphspec.diagnostics.rules import BAD_OVERRIDE, BAD_SETTINGS, RULES, Rule, Severity
from graphspec.diagnostics.suggest import did_you_mean


def is_fixed(rule: Rule) -> bool:
    """Whether findings of `rule` are shown whatever is selected.

    Errors of the document say that nothing else was looked at, so hiding them would call an unread file clean; and a
    mistake in what was asked for is no finding about a spec.
    """
    is_unread = rule.code.startswith("GS0") and rule.severity is Severity.ERROR
    return is_unread or rule in (BAD_OVERRIDE, BAD_SETTINGS)


class UnknownRuleError(ValueError):
    """A selector that means no rule, or one that cannot be chosen; help says what is near, or why."""

    def __init__(self, message: str, help: str) -> None:
        super().__init__(f"{message}; {help}")
        self.message, self.help = message, help


def codes_of(selector: str) -> frozenset[str]:
    """The codes that `selector` means. Raises UnknownRuleError where it means none."""
    wanted = selector.strip()
    if wanted in RULES:
        found = {wanted}
    elif wanted.startswith("GS"):
        found = {code for code in RULES if code.startswith(wanted)}
    else:
        found = {rule.code for rule in RULES.values() if rule.name == wanted}
    if not found:
        known = [*(rule.name for rule in RULES.values()), *([wanted[:5]] if wanted[:5] in RULES else [])]
        raise UnknownRuleError(
            f"there is no rule `{wanted}`", did_you_mean(wanted, known, "`graphspec explain` lists all rules")
        )
    if all(is_fixed(RULES[code]) for code in found):
        raise UnknownRuleError(
            f"`{wanted}` is always shown", "it says that the rest was not looked at, or could not be"
        )
    return frozenset(found)


@dataclass(frozen=True)
class Selection:
    """The rules whose findings are shown: those selected (None is all), without those ignored."""

    selected: frozenset[str] | None = None
    ignored: frozenset[str] = frozenset()

    @classmethod
    def of(cls, select: Iterable[str] | None, ignore: Iterable[str]) -> Selection:
        """The selection that these selectors make. Raises UnknownRuleError."""
        chosen = None if select is None else frozenset(code for each in select for code in codes_of(each))
        return cls(chosen, frozenset(code for each in ignore for code in codes_of(each)))

    def without(self, codes: frozenset[str]) -> Selection:
        """The same, with `codes` ignored too."""
        return Selection(self.selected, self.ignored | codes)

    def shows(self, rule: Rule) -> bool:
        """Whether findings of `rule` are shown."""
        if is_fixed(rule):
            return True
        return (self.selected is None or rule.code in self.selected) and rule.code not in self.ignored

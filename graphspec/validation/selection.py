"""Selectors of rules: a code (`GS305`), the beginning of codes (`GS3`), or a name (`unused`)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from graphspec.diagnostics.rules import BAD_OVERRIDE, BAD_SETTINGS, RULES, Rule, Severity, Stage
from graphspec.diagnostics.suggest import did_you_mean


def is_fixed(rule: Rule) -> bool:
    """Return whether findings of `rule` are shown under every selection.

    After an error of the document nothing else was checked, so hiding it would call an unread file clean; a mistake in
    the settings or on the command line is not a finding about a spec.
    """
    is_unread = rule.stage is Stage.DOCUMENT and rule.severity is Severity.ERROR
    return is_unread or rule in (BAD_OVERRIDE, BAD_SETTINGS)


class UnknownRuleError(ValueError):
    """A selector of no rule, or only of rules that are always shown."""

    def __init__(self, message: str, help: str) -> None:
        super().__init__(f"{message}; {help}")
        self.message, self.help = message, help


def codes_of(selector: str) -> frozenset[str]:
    """Return the codes that `selector` selects. Raises UnknownRuleError if there are none."""
    selector = selector.strip()
    if selector in RULES:
        found = {selector}
    elif selector.startswith("GS"):
        found = {code for code in RULES if code.startswith(selector)}
    else:
        found = {rule.code for rule in RULES.values() if rule.name == selector}
    if not found:
        known = [*(rule.name for rule in RULES.values()), *([selector[:5]] if selector[:5] in RULES else [])]
        raise UnknownRuleError(
            f"there is no rule `{selector}`", did_you_mean(selector, known, "`graphspec explain` lists all rules")
        )
    if all(is_fixed(RULES[code]) for code in found):
        raise UnknownRuleError(f"`{selector}` is always shown", "it means that other things were not checked")
    return frozenset(found)


@dataclass(frozen=True)
class Selection:
    """The codes of the rules that are shown: `selected` (None is all) without `ignored`."""

    selected: frozenset[str] | None = None
    ignored: frozenset[str] = frozenset()

    @classmethod
    def of(cls, select: Iterable[str] | None, ignore: Iterable[str]) -> Selection:
        """Return the selection of these selectors. Raises UnknownRuleError."""
        chosen = None if select is None else frozenset(code for each in select for code in codes_of(each))
        return cls(chosen, frozenset(code for each in ignore for code in codes_of(each)))

    def without(self, codes: frozenset[str]) -> Selection:
        """Return this selection with `codes` ignored too."""
        return Selection(self.selected, self.ignored | codes)

    def shows(self, rule: Rule) -> bool:
        """Return whether findings of `rule` are shown."""
        if is_fixed(rule):
            return True
        return (self.selected is None or rule.code in self.selected) and rule.code not in self.ignored

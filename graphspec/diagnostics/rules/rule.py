"""What a rule is. The rules themselves stand in the package, their pages beside it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Severity(Enum):
    """An error stops the work; a warning is shown and the work goes on."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of finding; `name` is the code for people, `summary` one sentence on what is wrong.

    fixable: whether some of its findings bring a mend that `graphspec validate --fix` can make.
    """

    code: str
    name: str
    summary: str
    severity: Severity = Severity.ERROR
    fixable: bool = False

    @property
    def stage(self) -> str:
        """What of a spec it is about: the title that rules of its hundred share."""
        return STAGES[self.code[2]]


STAGES = {
    "0": "Document",
    "1": "Schema",
    "2": "Objects",
    "3": "Wiring",
    "4": "Calls and shapes",
    "5": "Training",
    "6": "Data",
    "9": "The tool itself",
}
"""By the third character of a code."""

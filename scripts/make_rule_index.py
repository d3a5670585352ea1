"""Write docs/rules.md: the table of all rules, each leading to its page.

    python scripts/make_rule_index.py            writes the page
    python scripts/make_rule_index.py --check    exits with 1 where it is stale

The table is read from `graphspec.diagnostics.rules`; what stands above it is written here.
"""

from __future__ import annotations

import sys
from itertools import groupby
from pathlib import Path

from graphspec.diagnostics.rules import RULES, Rule

INDEX = Path(__file__).resolve().parent.parent / "docs" / "rules.md"

HEAD = """\
# Rules

Every finding of graphspec bears the code of a rule. Codes are stable: a rule keeps its code and its meaning, and the
code of a rule that is gone is not given to another. An *error* stops the work; a *warning* is shown and the work goes
on. Some findings bring a mend that leaves no doubt of what is meant, and `graphspec validate --fix` makes it.

```sh
graphspec explain GS305        # a rule's page, in the terminal; `graphspec explain unused` is the same
```

A finding that is meant is ignored where it stands, by a comment at the end of its line, or on a line of its own above:

```yaml
inputs:
  words: [64]
  extra: [5]  # graphspec: ignore[GS305] kept for the next version
```

`# graphspec: ignore-file[GS305]` speaks of a whole file. `graphspec validate --ignore GS305` leaves a rule out of a
run, `--select GS3` all but the rules whose codes begin so. Rules of the document (GS0xx) are always shown: they say
that nothing else was looked at.

<!-- What follows is written by scripts/make_rule_index.py. -->
"""


def row(rule: Rule) -> str:
    fix = ", `--fix`" if rule.fixable else ""
    page = f"[{rule.code}](../graphspec/diagnostics/rules/{rule.code}.md)"
    return f"| {page} | `{rule.name}` | {rule.severity.value}{fix} | {rule.summary} |"


def index() -> str:
    parts = [HEAD]
    for stage, rules in groupby(sorted(RULES.values(), key=lambda rule: rule.code), key=lambda rule: rule.stage):
        table = ["| code | name | | what is wrong |", "|---|---|---|---|", *map(row, rules)]
        parts.append("\n".join([f"## {stage.title}", "", *table]) + "\n")
    return "\n".join(parts)


def main() -> int:
    text = index()
    if "--check" in sys.argv[1:]:
        if INDEX.read_text(encoding="utf-8") == text:
            return 0
        print(f"{INDEX} is stale: run python scripts/make_rule_index.py")
        return 1
    INDEX.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

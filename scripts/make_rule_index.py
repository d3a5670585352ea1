"""Write docs/rules.md: the table of all rules, each leading to its page.

    python scripts/make_rule_index.py            writes the page
    python scripts/make_rule_index.py --check    exits with 1 where it is stale

The table is read from `graphspec.diagnostics.rules`; what stands above it is written here.
"""

from __future__ import annotations

import sys
from itertools import groupby
from pathlib import Path

from generated_text import keep

from graphspec.diagnostics.rules import RULES, Rule

INDEX = Path(__file__).resolve().parent.parent / "docs" / "rules.md"

HEAD = """\
# Rules

Every finding of graphspec has the code of a rule. Codes are stable: a rule keeps its code and its meaning, and the
code of a removed rule is not used again. An *error* stops the work, a *warning* does not. If the correction of a
finding is certain, `graphspec validate --fix` makes it.

```sh
graphspec explain GS305        # show the page of a rule; `graphspec explain unused` is the same
```

A comment at the end of a line, or on a line of its own above, ignores a finding:

```yaml
inputs:
  words: [64]
  extra: [5]  # graphspec: ignore[GS305] kept for the next version
```

`# graphspec: ignore-file[GS305]` applies to the whole file. `graphspec validate --ignore GS305` hides a rule in one
run, `--select GS3` all but the rules whose codes begin with it. Errors of the document (GS0xx) are always shown: after
them nothing else was checked.

<!-- The tables are written by scripts/make_rule_index.py. -->
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


if __name__ == "__main__":
    sys.exit(keep(INDEX, index()))

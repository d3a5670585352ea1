"""The pages of the rules: one `<CODE>.md` a rule beside this module, read when it is asked for.

Every page has the same shape: `# CODE name`, what is found, `## Why it matters`, an example, `## How to mend it`. What
the `Rule` says already, its severity and whether `--fix` mends it, stands on no page: whoever shows a page adds it.
"""

from __future__ import annotations

from importlib.resources import files

from graphspec.diagnostics.rules import RULES, Rule


def find_rule(asked: str) -> Rule | None:
    """The rule of a code or a name, in any case."""
    wanted = asked.strip().casefold()
    return next((rule for rule in RULES.values() if wanted in (rule.code.casefold(), rule.name)), None)


def read_page(rule: Rule) -> str:
    """The page of `rule`, as Markdown."""
    return (files("graphspec.diagnostics.rules") / f"{rule.code}.md").read_text(encoding="utf-8")

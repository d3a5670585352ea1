"""`graphspec explain`."""

from __future__ import annotations

import json
import re
import shutil
import textwrap
from collections.abc import Iterator
from itertools import groupby
from typing import Any

import click

from graphspec.cli.candidates import rules
from graphspec.diagnostics.rules import RULES, Rule, Severity, find_rule, read_page
from graphspec.diagnostics.suggest import did_you_mean

_CODE, _INDENT = "    ", "  "
_COLOURS = {Severity.ERROR: "red", Severity.WARNING: "yellow"}
_BLOCK = re.compile(r"^```\w*\n(.*?)\n```$", re.MULTILINE | re.DOTALL)


@click.command()
@click.argument("selectors", nargs=-1, metavar="[CODE...]", shell_complete=rules)
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="JSON is for editors.")
def explain(selectors: tuple[str, ...], form: str) -> None:
    """Explain what a rule finds, why it matters and how to fix it. Without CODE, list all rules.

    CODE is the code or the name of a rule, as a finding shows them.

    \b
    graphspec explain                      all rules
    graphspec explain GS502                one of them
    graphspec explain unknown-key GS501
    """
    rules = [_rule(each) for each in selectors]
    if form == "json":
        data = [_data(rule) for rule in rules or _all()]
        click.echo(json.dumps({"version": 1, "rules": data}, ensure_ascii=False, indent=1))
    elif rules:
        click.echo("\n\n\n".join(map(_page, rules)))
    else:
        click.echo("\n".join(_table(_all())))


def _all() -> list[Rule]:
    return sorted(RULES.values(), key=lambda rule: rule.code)


def _rule(selector: str) -> Rule:
    rule = find_rule(selector)
    if rule is None:
        is_part_of_one = any(code.startswith(selector.upper()) for code in RULES)  # no code is nearer than the others
        known = [] if is_part_of_one else [*RULES, *(each.name for each in RULES.values())]
        help = did_you_mean(selector, known, "`graphspec explain` lists all rules")
        raise click.BadParameter(f"there is no rule `{selector}`: {help}", param_hint="CODE")
    return rule


def _data(rule: Rule) -> dict[str, Any]:
    return {
        "code": rule.code,
        "name": rule.name,
        "severity": rule.severity.value,
        "stage": rule.stage.title,
        "fixable": rule.fixable,
        "summary": rule.summary,
        "explanation": read_page(rule),
    }


def _table(rules: list[Rule]) -> Iterator[str]:
    """Yield all rules, one per line, under the titles of their stages."""
    width = max(len(rule.name) for rule in rules)
    for stage, of_stage in groupby(rules, key=lambda rule: rule.stage):
        yield click.style(stage.title, bold=True)
        for rule in of_stage:
            severity = click.style(f"{rule.severity.value:<7}", fg=_COLOURS[rule.severity])
            yield f"{_INDENT}{rule.code}  {rule.name:<{width}}  {severity}  {rule.summary}"
        yield ""
    yield "`graphspec explain CODE` explains one of them."


def _page(rule: Rule) -> str:
    """Return the page of `rule` for a terminal, without the marks of Markdown."""
    width = min(shutil.get_terminal_size((100, 24)).columns, 100)
    severity = click.style(rule.severity.value, fg=_COLOURS[rule.severity])
    title = f"{click.style(f'{rule.code} {rule.name}', bold=True)}  {severity}"
    body = read_page(rule).partition("\n")[2]
    parts = [
        part
        for number, text in enumerate(_BLOCK.split(body))  # text and code alternate
        for part in ([click.style(textwrap.indent(text, _CODE), fg="cyan")] if number % 2 else _prose(text, width))
    ]
    fix = [f"{_INDENT}`graphspec validate --fix` fixes it where the meaning is clear."] if rule.fixable else []
    return "\n\n".join([title, *parts, *fix])


def _prose(text: str, width: int) -> Iterator[str]:
    """Yield headings, and wrapped paragraphs and lists."""
    for paragraph in filter(None, map(str.strip, text.split("\n\n"))):
        if paragraph.startswith("## "):
            yield click.style(paragraph.removeprefix("## "), bold=True)
            continue
        items = re.split(r"\n(?=- )", paragraph)
        yield "\n".join(
            textwrap.fill(
                item,
                width,
                initial_indent=_INDENT,
                subsequent_indent=_INDENT * (2 if item.startswith("- ") else 1),
                break_long_words=False,
                break_on_hyphens=False,
            )
            for item in items
        )

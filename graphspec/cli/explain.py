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

from graphspec.diagnostics.rules import RULES, Rule, Severity, find_rule, read_page
from graphspec.diagnostics.suggest import did_you_mean

_CODE, _INDENT = "    ", "  "
_COLOURS = {Severity.ERROR: "red", Severity.WARNING: "yellow"}
_BLOCK = re.compile(r"^```\w*\n(.*?)\n```$", re.MULTILINE | re.DOTALL)


@click.command()
@click.argument("asked", nargs=-1, metavar="[CODE...]")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="json is for editors.")
def explain(asked: tuple[str, ...], form: str) -> None:
    """Say what a rule finds, why it matters, and how to mend it. Without CODE, list all rules.

    A rule is asked for by its code or its name, as they stand in a finding.

    \b
    graphspec explain                      all rules
    graphspec explain GS502                one of them
    graphspec explain unknown-key GS501
    """
    rules = [_rule(each) for each in asked]
    if form == "json":
        shown = [_data(rule) for rule in rules or _all()]
        click.echo(json.dumps({"version": 1, "rules": shown}, ensure_ascii=False, indent=1))
    elif rules:
        click.echo("\n\n\n".join(map(_shown, rules)))
    else:
        click.echo("\n".join(_table(_all())))


def _all() -> list[Rule]:
    return sorted(RULES.values(), key=lambda rule: rule.code)


def _rule(asked: str) -> Rule:
    rule = find_rule(asked)
    if rule is None:
        is_part_of_one = any(code.startswith(asked.upper()) for code in RULES)  # near to many, and to none more
        known = [] if is_part_of_one else [*RULES, *(each.name for each in RULES.values())]
        help = did_you_mean(asked, known, "`graphspec explain` lists all rules")
        raise click.BadParameter(f"there is no rule `{asked}`: {help}", param_hint="CODE")
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
    """All rules below the titles of their stages, one a line."""
    width = max(len(rule.name) for rule in rules)
    for stage, of_stage in groupby(rules, key=lambda rule: rule.stage):
        yield click.style(stage.title, bold=True)
        for rule in of_stage:
            severity = click.style(f"{rule.severity.value:<7}", fg=_COLOURS[rule.severity])
            yield f"{_INDENT}{rule.code}  {rule.name:<{width}}  {severity}  {rule.summary}"
        yield ""
    yield "`graphspec explain CODE` tells more of one."


def _shown(rule: Rule) -> str:
    """The page of `rule` for a terminal: headings, text and examples, without the marks of Markdown."""
    width = min(shutil.get_terminal_size((100, 24)).columns, 100)
    severity = click.style(rule.severity.value, fg=_COLOURS[rule.severity])
    title = f"{click.style(f'{rule.code} {rule.name}', bold=True)}  {severity}"
    body = read_page(rule).partition("\n")[2]
    parts = [
        part
        for number, text in enumerate(_BLOCK.split(body))  # text and code take turns
        for part in ([click.style(textwrap.indent(text, _CODE), fg="cyan")] if number % 2 else _prose(text, width))
    ]
    fix = (
        [f"{_INDENT}`graphspec validate --fix` does so where there is no doubt of what is meant."]
        if rule.fixable
        else []
    )
    return "\n\n".join([title, *parts, *fix])


def _prose(text: str, width: int) -> Iterator[str]:
    """Headings, paragraphs and lists, wrapped."""
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

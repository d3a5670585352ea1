"""`graphspec doctor`."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import click

from graphspec.cli.candidates import extra_names
from graphspec.console.byte_size import byte_size
from graphspec.diagnostics.escapes import escaped
from graphspec.diagnostics.suggest import did_you_mean
from graphspec.extras import EXTRAS, PURPOSES, install_command

if TYPE_CHECKING:
    from graphspec.installation import ExtraStatus, Facts, Folder

_COLOURS = {"works": "green", "broken": "red", "missing": "yellow"}


@click.command()
@click.argument("extras", nargs=-1, metavar="[EXTRA...]", shell_complete=extra_names)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, for a bug report.")
def doctor(extras: tuple[str, ...], as_json: bool) -> None:
    """Check the installation: versions, extras, devices, and the folders that graphspec writes to.

    Each extra that is installed is imported and used in a process of its own, so that a crash of a native library is
    shown as one line. With EXTRA, only those extras are tried.

    A bug report should hold the output of `graphspec doctor --json`, the command that failed with all that it printed,
    and the smallest spec that shows the fault. The output holds no values of environment variables and no name of a
    user.

    \b
    graphspec doctor
    graphspec doctor --json > doctor.json
    graphspec doctor tensorflow tables        fails if one of them is missing or broken

    Exit status: 0 all that is installed works, 1 an extra is broken, or one that you name is missing.
    """
    from graphspec.installation import Status, extra_statuses, inspect_system

    for extra in extras:
        if extra not in EXTRAS:
            help = did_you_mean(extra, EXTRAS, f"the extras are {', '.join(EXTRAS)}")
            raise click.BadParameter(f"there is no extra `{extra}`: {help}", param_hint="EXTRA")
    facts = inspect_system()
    if not as_json:
        click.echo("\n".join(_head(facts)))
    statuses = []
    for status in extra_statuses(dict.fromkeys(extras or EXTRAS)):
        statuses.append(status)
        if not as_json:
            click.echo(_row(status))
    if as_json:
        click.echo(json.dumps(_data(facts, statuses), ensure_ascii=False, indent=1))
    else:
        click.echo("\n".join(_foot(facts, statuses)))
    failing = {Status.BROKEN, Status.MISSING} if extras else {Status.BROKEN}
    sys.exit(1 if any(each.status in failing for each in statuses) else 0)


def _data(facts: Facts, statuses: list[ExtraStatus]) -> dict[str, Any]:
    tensorflow = _tensorflow(statuses)
    return {
        "version": 1,
        **facts.as_json(),
        "extras": [each.as_json() for each in statuses],
        "tensorflow": dict(tensorflow) if tensorflow else None,
    }


def _tensorflow(statuses: list[ExtraStatus]) -> dict[str, Any]:
    return next((dict(each.facts) for each in statuses if each.name == "tensorflow"), {})


def _head(facts: Facts) -> list[str]:
    isolated = "" if facts.is_isolated else ", not in a virtual environment"
    core = ", ".join(f"{name} {number}" for name, number in facts.core.items())
    return [
        f"{click.style(f'graphspec {facts.graphspec}', bold=True)}, Python {facts.python}{isolated}",
        escaped(f"{facts.system}, {facts.cpus} CPU{'' if facts.cpus == 1 else 's'}"),
        *([escaped(core)] if core else []),
        "",
        click.style("Extras", bold=True),
    ]


def _row(status: ExtraStatus) -> str:
    """Return the line of one extra: its packages, its problem, or what it is for."""
    packages = ", ".join(f"{name} {number}" for name, number in status.packages.items())
    details = {"works": packages, "broken": status.problem, "missing": PURPOSES[status.name]}[status.status]
    state = click.style(f"{status.status:<7}", fg=_COLOURS[status.status])
    lines = [f"  {status.name:<{_WIDTH}}  {state}  {escaped(details)}"]
    if status.status == "broken" and packages:
        lines.append(f"{'':<{_WIDTH + 13}}{escaped(packages)}")
    return "\n".join(lines)


def _foot(facts: Facts, statuses: list[ExtraStatus]) -> list[str]:
    cache, tensorflow = facts.cache, _tensorflow(statuses)
    limit = "" if cache.limit is None else f" of {byte_size(cache.limit)}"
    rows = {
        "cache": f"{byte_size(cache.bytes)}{limit} in {cache.folder.path}, {_writable(cache.folder)}",
        "folder": f"the working folder is {_writable(facts.folder)}",
        "start": f"graphspec {facts.start_seconds:.2f} s",
    }
    if tensorflow:
        devices = ", ".join(f"{each['kind']} ({each['name']})" for each in tensorflow["devices"])
        build = "" if tensorflow["built_with_cuda"] else "; this TensorFlow is built without CUDA"
        rows = {"devices": devices + build, **rows}
        rows["start"] += f", TensorFlow and Keras {tensorflow['import_seconds']:.1f} s"
    lines = ["", *(f"  {click.style(f'{name:<{_WIDTH}}', bold=True)}  {escaped(text)}" for name, text in rows.items())]
    absent = [each.name for each in statuses if each.status == "missing"]
    broken = [each.name for each in statuses if each.status == "broken"]
    if absent:
        lines += ["", f"Install what you need, such as: {install_command(absent[0])}"]
    if broken:
        lines += ["", f"Install what is broken again: {install_command(','.join(broken))} --force-reinstall"]
    return [*lines, "", "For a bug report, add the output of `graphspec doctor --json`."]


def _writable(folder: Folder) -> str:
    return f"not writable: {folder.problem}" if folder.problem else "writable"


_WIDTH = max(map(len, EXTRAS))

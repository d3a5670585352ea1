"""The output of `graphspec validate`: the report in its formats, fixed files, and diffs."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

import click

from graphspec.console.echo import echo_bytes, echo_commands
from graphspec.diagnostics import Report, SpecError
from graphspec.diagnostics.formats import full, write
from graphspec.diagnostics.formats.summary import summary
from graphspec.diagnostics.render import render
from graphspec.diagnostics.rules import CANNOT_WRITE, INTERNAL
from graphspec.files import reason_of, rewrite, write_whole
from graphspec.language.document.overlay import key, read_bytes
from graphspec.validation.fix import Fixed
from graphspec.validation.run import Request, Result


@dataclass(frozen=True)
class ReportWriter:
    """A writer of the results of `request`.

    Attributes:
        format: A name in FORMATS; None for the default.
        output: A file for the report.
        color: Use colours; None if the terminal decides.
        diff: Show diffs instead of writing fixed files.
    """

    request: Request
    format: str | None
    output: str | None
    color: bool | None
    diff: bool = False

    def __call__(self, result: Result, preferred: str | None) -> int:
        """Show `result` and write fixed files; return the exit status. `preferred` is the format in the settings."""
        status = 1 if len(result.outcome.report) else 0
        if self.diff:
            self._show_diffs(result.fixed)
            click.echo(summary(result.outcome, "would be fixed"), err=True)
            return 1 if result.fixed.after else status
        filtered = self._written_to_stdout(result.fixed) if self.request.fix else False
        failed = self._write_files(result.fixed)
        self._show_report(result, self.format or preferred, err=filtered)
        if failed:
            click.echo("\n" + render(failed), err=True)
        if any(finding.rule is INTERNAL for finding in result.outcome.report):
            return 3
        return 1 if failed else status

    def _show_report(self, result: Result, format: str | None, *, err: bool) -> None:
        in_actions = format is None and os.environ.get("GITHUB_ACTIONS") == "true"
        if self.output is not None:
            text = write(result.outcome, format or "full") + "\n"
            _write_output(self.output, text)
            format = "full"
        if format in (None, "full"):
            click.echo(self._full(result, err=err), err=err, color=self._colored(err=err))
        elif text := write(result.outcome, format):
            (echo_commands if format == "github" else click.echo)(text, err=err)
        if in_actions and (commands := write(result.outcome, "github")):
            echo_commands(commands, err=err)

    def _full(self, result: Result, *, err: bool) -> str:
        return full.write(result.outcome, full.colour) if self._colored(err=err) else full.write(result.outcome)

    def _colored(self, *, err: bool) -> bool:
        """Return whether to use colours: as the option says, or the environment, or on a terminal."""
        if self.color is not None:
            return self.color
        if os.environ.get("NO_COLOR"):
            return False
        return bool(os.environ.get("FORCE_COLOR")) or (sys.stderr if err else sys.stdout).isatty()

    def _written_to_stdout(self, fixed: Fixed) -> bool:
        """Write standard input, fixed, to standard output; return whether it was among the paths."""
        for name, data in self.request.held.items():
            changed = {key(path): new for path, new in fixed.after.items()}
            echo_bytes(changed.get(name, data))
        return bool(self.request.held)

    def _write_files(self, fixed: Fixed) -> Report:
        """Write the fixed files; return a report of those that could not be written."""
        failed = Report()
        if not fixed.after:
            return failed
        for path, data in fixed.after.items():
            if key(path) in self.request.held:
                continue
            try:
                if read_bytes(path) != fixed.before[path]:
                    failed.add(CANNOT_WRITE, f"{path} has changed since it was read", help="run it again")
                else:
                    rewrite(path, data)
            except OSError as error:
                failed.add(CANNOT_WRITE, f"cannot read {path} again: {reason_of(error)}", help="check the path")
            except SpecError as error:
                failed.extend(error.report.found)
        return failed

    def _show_diffs(self, fixed: Fixed) -> None:
        from graphspec.console.diff import unified_diff

        for path, after in fixed.after.items():
            before = fixed.before[path]
            click.echo(unified_diff(path, before.decode("utf-8-sig"), after.decode("utf-8-sig"), "fixed"), nl=False)


def _write_output(path: str, text: str) -> None:
    try:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, text.encode("utf-8"))
    except OSError as error:
        raise SpecError.of(CANNOT_WRITE, f"cannot write {path}: {reason_of(error)}", help="check the path") from None

"""The `graphspec` group, and what all commands share: exit codes and how findings are shown."""

from __future__ import annotations

import errno
import os
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

import click

from graphspec.console.streams import Stream, standard_streams
from graphspec.diagnostics import SpecError
from graphspec.diagnostics.escapes import escaped
from graphspec.diagnostics.rules import CANNOT_WRITE, UNREADABLE_FILE
from graphspec.extras import missing_extra
from graphspec.files import reason_of
from graphspec.garbage import no_collection
from graphspec.signals import exit_status, raised_once

FINDINGS, INTERNAL, INTERRUPTED = 1, 3, 130
COMMANDS = (
    *("validate", "fmt", "summary", "data"),
    *("train", "verify-resume", "runs", "evaluate", "predict", "export", "report", "tune"),
    *("layers", "explain", "schema", "cache"),
)
"""In the order of use. Each is a module of its name in `graphspec.cli`, imported when it is called."""


class Commands(click.Group):
    """Shows findings as a report and a failure of graphspec's own as such; no user's mistake gives a traceback."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run as a program: however many signals come, it ends by the first one, and without a traceback.

        Where the arguments are those of the process, the process is about to end, and hears no signal afterwards.
        """
        sys.unraisablehook = _unless_interrupted(sys.unraisablehook)
        with raised_once(ignored_afterwards=not args and kwargs.get("args") is None):
            try:
                return self.main(*args, **kwargs)
            except (KeyboardInterrupt, SystemExit) as end:
                status = INTERRUPTED if isinstance(end, KeyboardInterrupt) else end.code
                if not isinstance(status, int) or status != exit_status():
                    raise
                _end_at_once(status)

    def main(self, *args: Any, **extra: Any) -> Any:
        """Run a command; what it prints is harmless, and what cannot be printed decides its exit status."""
        with standard_streams() as output:
            try:
                done = super().main(*args, **extra)
            except SystemExit as ended:
                raise SystemExit(_status(ended.code, output)) from None
            output.flush()
            return done

    def make_context(self, *args: Any, **extra: Any) -> click.Context:
        """Read the arguments; Ctrl-C ends that as it ends a command."""
        try:
            with _visible_refusals():
                return super().make_context(*args, **extra)
        except KeyboardInterrupt:
            raise click.exceptions.Exit(INTERRUPTED) from None

    def invoke(self, ctx: click.Context) -> Any:
        try:
            with _visible_refusals():
                return super().invoke(ctx)
        except SpecError as error:
            click.echo(str(error), err=True)
            ctx.exit(FINDINGS)
        except (click.exceptions.Exit, click.ClickException, click.Abort):
            raise
        except KeyboardInterrupt:
            click.echo("stopped", err=True)
            ctx.exit(INTERRUPTED)
        except Exception as error:
            if (missing := missing_extra(error)) is not None:
                click.echo(str(missing), err=True)
                ctx.exit(FINDINGS)
            status = exit_status()
            if status is not None:  # a library that was interrupted raises errors of its own
                click.echo("stopped", err=True)
                ctx.exit(status)
            if isinstance(error, FileNotFoundError) and _is_folder_gone():
                gone = "there is no working directory any more"
                click.echo(str(SpecError.of(UNREADABLE_FILE, gone, help="change to a folder that is there")), err=True)
                ctx.exit(FINDINGS)
            click.echo(traceback.format_exc(), err=True)
            click.echo("error[GS902] internal: graphspec itself failed; please report the lines above", err=True)
            ctx.exit(INTERNAL)

    def list_commands(self, ctx: click.Context) -> Sequence[str]:  # type: ignore[override]
        return COMMANDS

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = cmd_name.replace("-", "_")
        with no_collection():  # nothing that is imported is garbage, and to look for it takes a twentieth of a start
            found: click.Command = getattr(import_module(f"graphspec.cli.{module}"), module)
        return found


def _end_at_once(status: int) -> NoReturn:
    """End the process, which all that was to be cleared up has left already.

    Python's own way out would end it by SIGINT, and not by `status`, where Ctrl-C came while code of a text ran.
    """
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):
            stream.flush()
    os._exit(status)


def _unless_interrupted(show: Callable[[Any], object]) -> Callable[[Any], object]:
    """Show what was raised where nothing can be raised, but for Ctrl-C: who pressed it knows."""

    def hook(unraisable: Any) -> None:
        if not isinstance(unraisable.exc_value, KeyboardInterrupt):
            show(unraisable)

    return hook


@contextmanager
def _visible_refusals() -> Iterator[None]:
    """Let click refuse arguments in words that hold nothing invisible."""
    try:
        yield
    except click.ClickException as error:
        message = escaped(error.format_message())
        error.format_message = lambda: message  # type: ignore[method-assign]
        raise


def _status(status: Any, output: Stream) -> Any:
    """The exit status: no success where the output is not whole. Who closes a pipe, as `head` does, needs no word."""
    output.patient = True
    output.flush()
    failure = output.failure
    if failure is None:
        return status
    if failure.errno != errno.EPIPE:
        reason = reason_of(failure)
        failed = SpecError.of(CANNOT_WRITE, f"cannot write to standard output: {reason}", help="check where it goes")
        click.echo(str(failed), err=True)
    return status or FINDINGS


def _is_folder_gone() -> bool:
    try:
        Path.cwd()
    except FileNotFoundError:
        return True
    return False


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="graphspec")
def main() -> None:
    """Declarative specs that compile to real Keras 3 models.

    \b
    graphspec validate specs/                     check specs, without TensorFlow
    graphspec fmt specs/                          put specs in canonical order and style
    graphspec summary specs/headline.yaml         show the model, node by node
    graphspec data specs/wine.yaml                show the data it names
    graphspec train specs/same_digit.yaml         train it on the data it names
    graphspec train --resume runs/same_digit      go on with the newest run, where it was stopped or killed
    graphspec verify-resume specs/wine.yaml       prove that this comes to the very same end
    graphspec runs                                list the runs; `runs compare A B` shows in what two differ
    graphspec evaluate runs/same_digit            measure the newest run on its test split
    graphspec predict runs/same_digit -i digit_a=a.npy -i digit_b=b.npy -o out.npz
    graphspec export runs/wine --to onnx          write the model for use elsewhere, with the same numbers
    graphspec report runs/same_digit              one HTML page of the newest run
    graphspec tune specs/wine.yaml                search the values that it names, and write the best into a spec
    graphspec layers LSTM                         what a spec can name, and the arguments it takes
    graphspec explain GS502                       what a rule finds, why, and how to mend it
    graphspec schema -o graphspec.schema.json     a JSON Schema, by which editors complete and check specs
    graphspec cache                               data files that were converted, and what they take

    Exit status: 0 clean, 1 findings or a failed run, 2 wrong usage, 3 an internal error.
    """

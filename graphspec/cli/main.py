"""The `graphspec` group, with what all commands share: exit codes and the display of errors."""

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
from graphspec.files import reason_of
from graphspec.garbage import no_collection
from graphspec.signals import exit_status, raised_once
from graphspec.version import __version__

FINDINGS, INTERNAL, INTERRUPTED = 1, 3, 130
COMMANDS = (
    *("new", "validate", "fmt", "render", "summary", "plot", "data", "diff"),
    *("train", "launch", "verify-resume", "runs", "evaluate", "predict", "export", "report", "tune"),
    *("decompile", "layers", "explain", "schema", "server", "cache", "doctor", "completion"),
)
"""The commands in the order of use; each is a module of `graphspec.cli`, imported when it is called."""


class Commands(click.Group):
    """A group of commands that prints a traceback only for a failure of graphspec itself."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run as a program, which the first of any number of signals ends without a traceback.

        With the arguments of the process, the process ends next, so that signals are ignored afterwards.
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
        """Run a command with safe standard streams; a failed write makes its exit status a failure."""
        with standard_streams() as output:
            try:
                result = super().main(*args, **extra)
            except SystemExit as end:
                raise SystemExit(_status(end.code, output)) from None
            output.flush()
            return result

    def make_context(self, *args: Any, **extra: Any) -> click.Context:
        """Read the arguments; Ctrl-C ends this with the status of an interrupted command."""
        try:
            with _visible_refusals():
                return super().make_context(*args, **extra)
        except KeyboardInterrupt:
            raise click.exceptions.Exit(INTERRUPTED) from None

    def invoke(self, ctx: click.Context) -> Any:
        """Call the command, and print its errors."""
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
            from graphspec.extras import missing_extra

            if (missing := missing_extra(error)) is not None:
                click.echo(str(missing), err=True)
                ctx.exit(FINDINGS)
            status = exit_status()
            if status is not None:  # an interrupted library raises errors of its own
                click.echo("stopped", err=True)
                ctx.exit(status)
            if isinstance(error, FileNotFoundError) and _is_folder_gone():
                gone = "the working directory no longer exists"
                click.echo(str(SpecError.of(UNREADABLE_FILE, gone, help="change to a folder that exists")), err=True)
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
        with no_collection():  # imports make no garbage, and a collection takes a twentieth of the start
            command: click.Command = getattr(import_module(f"graphspec.cli.{module}"), module)
        return command


def _end_at_once(status: int) -> NoReturn:
    """End the process, after all clean-up is done.

    Python's own exit would end it by SIGINT instead of `status` if Ctrl-C came inside of `exec` or `eval`.
    """
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):
            stream.flush()
    os._exit(status)


def _unless_interrupted(show: Callable[[Any], object]) -> Callable[[Any], object]:
    """Return a hook for unraisable exceptions that shows all but Ctrl-C."""

    def hook(unraisable: Any) -> None:
        if not isinstance(unraisable.exc_value, KeyboardInterrupt):
            show(unraisable)

    return hook


@contextmanager
def _visible_refusals() -> Iterator[None]:
    """Escape the arguments that the messages of click quote."""
    try:
        yield
    except click.ClickException as error:
        message = escaped(error.format_message())
        error.format_message = lambda: message  # type: ignore[method-assign]
        raise


def _status(status: Any, output: Stream) -> Any:
    """Return the exit status, a failure if the output was cut off, without a message for a closed pipe."""
    output.patient = True
    output.flush()
    failure = output.failure
    if failure is None:
        return status
    if failure.errno != errno.EPIPE:
        reason = reason_of(failure)
        failed = SpecError.of(
            CANNOT_WRITE,
            f"cannot write to standard output: {reason}",
            help="check the disk or the program that it is sent to",
        )
        click.echo(str(failed), err=True)
    return status or FINDINGS


def _is_folder_gone() -> bool:
    try:
        Path.cwd()
    except FileNotFoundError:
        return True
    return False


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__)
def main() -> None:
    """Compile declarative specs to Keras 3 models.

    \b
    graphspec new houses --from-data houses.csv --target price
    graphspec validate specs/                     check specs, without TensorFlow
    graphspec fmt specs/                          format specs in canonical order and style
    graphspec render specs/headline.yaml          print a spec with everything expanded, and every default
    graphspec summary specs/headline.yaml         show the model, node by node
    graphspec plot specs/wine.yaml -o wine.html   draw the graph: SVG, PNG, Mermaid or an interactive page
    graphspec data specs/wine.yaml                show the data of a spec
    graphspec diff HEAD~1:spec.yaml spec.yaml     show what differs in meaning between two specs
    graphspec train specs/same_digit.yaml         train a model into a run directory
    graphspec train --resume runs/same_digit      resume the newest run that was stopped or killed
    graphspec launch specs/wine.yaml --workers 2  train by several processes, or write a job for a cluster
    graphspec verify-resume specs/wine.yaml       verify that a resumed training gives the same result
    graphspec runs                                list runs; `runs compare A B` shows their differences
    graphspec evaluate runs/same_digit            evaluate the newest run on its test split
    graphspec predict runs/same_digit -i digit_a=a.npy -i digit_b=b.npy -o out.npz
    graphspec export runs/wine --to onnx          export the model, and verify that it gives the same numbers
    graphspec report runs/same_digit              write an HTML page about the newest run
    graphspec tune specs/wine.yaml                search for hyperparameters, and write the best spec
    graphspec decompile model.keras -o spec.yaml  write the spec of a Keras model
    graphspec layers LSTM                         describe a layer and its arguments
    graphspec explain GS502                       explain a rule and how to fix its findings
    graphspec schema -o graphspec.schema.json     write a JSON Schema for editors
    graphspec server                              serve an editor: findings, completion, hover, rename
    graphspec cache                               list converted data files, with their sizes
    graphspec doctor                              check the installation: extras, devices, folders
    graphspec completion install                  let the shell complete commands, specs, runs and rules

    Exit status: 0 clean, 1 findings or a failed run, 2 wrong usage, 3 an internal error.
    """

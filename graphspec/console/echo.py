"""A line of a command, made of its own words and of text from outside."""

from __future__ import annotations

import sys

import click

from graphspec.console.streams import Stream
from graphspec.diagnostics.escapes import escaped


def echo(text: object, *, err: bool = False) -> None:
    """Print `text` as one line. What has lines and colours of its own is composed of `escaped` texts instead."""
    click.echo(escaped(text), err=err)


def echo_commands(text: str, *, err: bool = False) -> None:
    """Print lines that a CI service is meant to obey."""
    stream = sys.stderr if err else sys.stdout
    if isinstance(stream, Stream):
        stream.write_command(f"{text}\n")
        stream.flush()
    else:
        click.echo(text, err=err)


def echo_bytes(data: bytes) -> None:
    """Put `data` on standard output as it is."""
    if isinstance(sys.stdout, Stream):
        sys.stdout.write_bytes(data)
    else:
        sys.stdout.buffer.write(data)
        sys.stdout.flush()

"""Printing of lines that may hold untrusted text."""

from __future__ import annotations

import sys

import click

from graphspec.console.streams import Stream
from graphspec.diagnostics.escapes import escaped


def echo(text: object, *, err: bool = False) -> None:
    """Print `text` as one line, escaped; a text with lines or colours is composed of `escaped` parts instead."""
    click.echo(escaped(text), err=err)


def echo_commands(text: str, *, err: bool = False) -> None:
    """Print workflow commands for a CI service."""
    stream = sys.stderr if err else sys.stdout
    if isinstance(stream, Stream):
        stream.write_command(f"{text}\n")
        stream.flush()
    else:
        click.echo(text, err=err)


def echo_bytes(data: bytes) -> None:
    """Write `data` to standard output unchanged."""
    if isinstance(sys.stdout, Stream):
        sys.stdout.write_bytes(data)
    else:
        sys.stdout.buffer.write(data)
        sys.stdout.flush()

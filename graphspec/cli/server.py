"""`graphspec server`."""

from __future__ import annotations

import logging
import os
import sys
from typing import BinaryIO

import click

from graphspec.diagnostics import SpecError
from graphspec.diagnostics.rules import UNREADABLE_FILE
from graphspec.extras import require
from graphspec.files import reason_of
from graphspec.garbage import no_collection


@click.command()
@click.option("--log", type=click.Path(), metavar="FILE", help="Write a log of the protocol to FILE.")
def server(log: str | None) -> None:
    """Serve an editor: findings, fixes, completion, hover, rename and more while a spec is written.

    An editor starts this command and talks to it by the Language Server Protocol, over standard input and output. It
    runs no code of a spec and never loads TensorFlow. docs/editors.md has the settings of editors. It needs the extra
    `editor`.

    \b
    graphspec server                       as an editor starts it
    graphspec server --log server.log      with a log of all messages, to find out what went wrong
    pip install 'graphspec[editor]'        what it needs
    """
    require("pygls", "pygls", "`graphspec server` speaks the Language Server Protocol")
    from graphspec.editor.server.server import make_server

    if log is not None:
        logging.basicConfig(filename=log, level=logging.DEBUG)
    else:
        logging.basicConfig(level=logging.CRITICAL)
    if sys.stdin is not None and sys.stdin.isatty():
        click.echo("An editor starts this command and talks to it; press Ctrl-C to end it.", err=True)
    made = make_server()
    sys.setswitchinterval(0.0005)  # a message is read in three turns, each of which may wait so long for a check
    with no_collection():  # the session collects garbage when nobody types
        try:
            made.start_io(*_own_streams())
        except (MemoryError, OverflowError):
            found = "the editor has sent a message that is too large"
            raise SpecError.of(UNREADABLE_FILE, found, help="start the server again") from None
    sys.exit(0 if made.is_shut_down else 1)


def _own_streams() -> tuple[BinaryIO, BinaryIO]:
    """Return standard input and output for the protocol alone; what else is written goes to standard error."""
    try:
        output = os.fdopen(os.dup(1), "wb")
        source = os.fdopen(os.dup(0), "rb")
        os.dup2(2, 1)
    except OSError as error:
        raise SpecError.of(
            UNREADABLE_FILE,
            f"standard input or output cannot be used: {reason_of(error)}",
            help="let an editor start this command",
        ) from None
    return source, output

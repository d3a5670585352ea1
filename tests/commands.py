"""The commands of `graphspec`, as click knows them."""

from __future__ import annotations

import click

from graphspec.cli import main


def command_of(name: str) -> click.Command:
    """The command `graphspec <name>`; there must be one."""
    command = main.get_command(click.Context(main), name)
    assert command is not None, name
    return command

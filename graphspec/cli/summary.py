"""`graphspec summary`."""

import click


@click.command()
def summary() -> None:
    """X"""

"""`graphspec evaluate`."""

import click


@click.command()
def evaluate() -> None:
    """X"""

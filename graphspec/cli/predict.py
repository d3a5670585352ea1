"""`graphspec predict`."""

import click


@click.command()
def predict() -> None:
    """X"""

"""`graphspec schema`."""

from __future__ import annotations

from pathlib import Path

import click

from graphspec.cli.options import keras_option
from graphspec.console.echo import echo


@click.command()
@click.option("--output", "-o", type=click.Path(path_type=Path, dir_okay=False), help="Write to this file.")
@keras_option()
def schema(output: Path | None) -> None:
    """Print the JSON Schema of the language, with which editors complete and check specs.

    Write it beside your specs, and name it in the first line of each:

    \b
    graphspec schema -o graphspec.schema.json
    # yaml-language-server: $schema=graphspec.schema.json
    """
    from graphspec.editor.json_schema import schema_text

    if output is None:
        click.echo(schema_text(), nl=False)
        return
    from graphspec.run_directory import check_destination, write

    check_destination(output)
    write(output, lambda part: part.write_text(schema_text(), encoding="utf-8"), parents=True)
    echo(f"Wrote {output}", err=True)

"""The language as a JSON Schema, for editors: `graphspec schema`, and `graphspec.schema.json` in this package.

With it, editors complete keys, layers and arguments, show documentation and underline mistakes. It accepts every spec
that `graphspec validate` accepts, but does not check what needs the whole spec: names, shapes, data. Draft 7 is the
newest that editors and validators agree on.
"""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

from graphspec.catalog.generated import newest
from graphspec.catalog.versions import cached, version_in_use

FILE = "graphspec.schema.json"


def language_schema() -> dict[str, Any]:
    """Return the schema, generated from the models of `language.schema` and the catalogue."""
    from graphspec import catalog
    from graphspec.editor.json_schema import objects, parts, values

    definitions = values.definitions() | parts.definitions() | objects.definitions()
    spec = definitions.pop("SpecModel")
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "description": f"A spec of a Keras model, language version 1, as of Keras {catalog.keras_version()}.",
        **spec,
        "definitions": definitions,
    }


def as_text(schema: dict[str, Any]) -> str:
    """Return `schema` as text with one definition per line, so that diffs are readable."""
    definitions = [f"{json.dumps(name)}: {_compact(each)}" for name, each in sorted(schema["definitions"].items())]
    head = [f"{json.dumps(key)}: {_compact(value)}" for key, value in schema.items() if key != "definitions"]
    inner = ",\n  ".join(definitions)
    return "{\n " + ",\n ".join([*head, f'"definitions": {{\n  {inner}\n }}']) + "\n}\n"


@cached
def schema_text() -> str:
    """Return the text of the schema for the version of Keras in use; that of the newest is shipped with graphspec."""
    if version_in_use() != newest():
        return as_text(language_schema())
    return files("graphspec.editor.json_schema").joinpath(FILE).read_text(encoding="utf-8")


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))

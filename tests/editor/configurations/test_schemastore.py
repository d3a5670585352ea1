"""The entry for SchemaStore: what it says is true of the schema and of the files that the server takes as specs."""

from __future__ import annotations

import json
from fnmatch import fnmatch

import jsonschema
import pytest

from graphspec.editor.json_schema import schema_text
from graphspec.editor.server.document import Document
from tests.editor.configurations.program import EDITORS

ENTRY = json.loads((EDITORS / "schemastore.json").read_text(encoding="utf-8"))
NAMES = ["a.graphspec.yaml", "a.graphspec.yml", "a.graphspec.json", "a.yaml", "graphspec.yaml", "a.graphspec.toml"]


def test_the_entry_has_what_schemastore_asks_for() -> None:
    """Name, description, patterns and address, and nothing else; the description is no sentence with a full stop."""
    assert list(ENTRY) == ["name", "description", "fileMatch", "url"]
    assert ENTRY["name"] == "graphspec"
    assert not ENTRY["description"].endswith(".")
    assert ENTRY["url"] == "https://www.schemastore.org/graphspec.json"


@pytest.mark.parametrize("name", NAMES)
def test_the_patterns_are_the_names_that_the_server_takes(name: str) -> None:
    """A file that SchemaStore gives the schema to is a spec for the server whatever it holds, and no other is."""
    opened = Document.opened(f"file:///{name}", f"/{name}", "", 1, language="yaml", encoding="utf-16")
    assert opened.is_spec == any(fnmatch(name, pattern) for pattern in ENTRY["fileMatch"])


def test_the_schema_is_one_that_schemastore_takes() -> None:
    """It is of draft 7, valid, refers to nothing outside of itself, and accepts a spec as it refuses another."""
    schema = json.loads(schema_text())
    assert schema["$schema"] == "http://json-schema.org/draft-07/schema#"
    jsonschema.Draft7Validator.check_schema(schema)
    assert schema_text().count('"$ref":') == schema_text().count('"$ref":"#/')
    spec = {"graphspec": 1, "inputs": {"x": [2]}, "outputs": {"y": {"from": "x", "apply": {"Dense": 1}}}}
    validator = jsonschema.Draft7Validator(schema)
    assert validator.is_valid(spec)
    assert not validator.is_valid({**spec, "inptus": {}})

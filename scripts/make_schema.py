"""Write the JSON Schema of the language that the package ships: after a change of the models or of the catalogue.

python scripts/make_schema.py
"""

from __future__ import annotations

from pathlib import Path

import graphspec
from graphspec.editor.json_schema import FILE, as_text, language_schema


def main() -> None:
    path = Path(graphspec.__file__).parent / "editor" / "json_schema" / FILE
    path.write_text(as_text(language_schema()), encoding="utf-8")
    print(f"{path}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()

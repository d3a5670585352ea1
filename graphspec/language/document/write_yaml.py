"""Tree → YAML text that `read_yaml` reads back as the same values."""

from __future__ import annotations

from typing import Any

import yaml

from graphspec.language.document.scalars import resolve
from graphspec.language.document.tree import plain


class _Dumper(yaml.SafeDumper):
    """Quotes text that YAML 1.2 would read as something else, and writes no aliases."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style = "'" if "\n" not in value and not isinstance(resolve(value), str) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)


def write_yaml(tree: Any) -> str:
    """`tree` as YAML, keys in their order, innermost collections on one line."""
    text: str = yaml.dump(
        plain(tree), Dumper=_Dumper, sort_keys=False, default_flow_style=None, width=120, allow_unicode=True
    )
    return text

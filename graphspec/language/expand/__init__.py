"""Tree → tree: includes are read, variables evaluated and `${...}` and `when` resolved.

Blocks are templates with parameters of their own; `lower` resolves them, by `Substitution`, wherever they are used.
"""

from __future__ import annotations

from graphspec.language.document import DECLARING
from graphspec.language.expand.expressions import Value, chain_names
from graphspec.language.expand.label_variables import label_variables
from graphspec.language.expand.library import Library, expand
from graphspec.language.expand.substitute import Substitution
from graphspec.language.expand.work import Work

__all__ = [
    "DECLARING",
    "Library",
    "Substitution",
    "Value",
    "Work",
    "chain_names",
    "expand",
    "label_variables",
]

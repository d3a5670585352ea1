"""Tree → tree: includes are read, variables evaluated and `${...}` and `when` resolved.

Blocks are templates with parameters of their own; `lower` resolves them, by `Substitution`, wherever they are used.
"""

from __future__ import annotations

from graphspec.document import DECLARING
from graphspec.expand.expressions import Value, layered
from graphspec.expand.library import Library, expand
from graphspec.expand.substitute import Substitution
from graphspec.expand.used import label_variables
from graphspec.expand.work import Work

__all__ = [
    "DECLARING",
    "Library",
    "Substitution",
    "Value",
    "Work",
    "expand",
    "label_variables",
    "layered",
]

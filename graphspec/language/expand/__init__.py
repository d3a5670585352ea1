"""Expand a tree: read includes, evaluate variables, resolve `${...}` and `when`.

Blocks are templates with parameters of their own, so `lower` expands them, by `Substitution`, at each use.
"""

from __future__ import annotations

from graphspec.language.document import DECLARATION_KEYS
from graphspec.language.expand.expressions import Value, chain_names
from graphspec.language.expand.label_variables import label_variables
from graphspec.language.expand.library import Library, expand
from graphspec.language.expand.substitute import Substitution
from graphspec.language.expand.work import Work

__all__ = [
    "DECLARATION_KEYS",
    "Library",
    "Substitution",
    "Value",
    "Work",
    "chain_names",
    "expand",
    "label_variables",
]

"""The shape rules of `keras.ops`, one module a family. Importing this package registers them."""

from __future__ import annotations

"""The contents of a column → the input that it becomes, or the reason to leave it out."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from graphspec.diagnostics.escapes import comment_text
from graphspec.diagnostics.suggest import cut
from graphspec.starters.scan import ColumnScan

Role = Literal["number", "classes", "words", "text", "day", "none"]
"""`classes`: few whole numbers; `words`: few different texts; `day`: a date; `none`: left out."""

_FEW_CLASSES = 10
_MAX_WORDS = 1_000
_ROWS_EACH = 10
_ID = re.compile(r"(?:.*[\s_.-])?(?:id|uuid|guid|index|idx|key|rowid|row)|unnamed.*|.*Id|.*ID|column 1")
_MIN_ROWS_OF_ID = 12
_LARGEST = 1e18
_TEXT_WORDS = 3.0
_SIGNED_NUMBER = re.compile(r"[-+]?\s?[^\w\s]?\s?\d[\d,. _']*\s?[^\d]{0,3}")
"""A number with separators and a unit, such as `$1,200`, `12 %` or `3 kg`."""
_ALMOST_ALL = 0.9


@dataclass(frozen=True, slots=True)
class Feature:
    """The role of a column in the model. reason: for leaving it out, or a remark for the user."""

    scan: ColumnScan
    role: Role
    reason: str = ""

    @property
    def name(self) -> str:
        return self.scan.name


def feature_of(column: ColumnScan, *, is_alone: bool = False) -> Feature:
    """Return what a model takes of a column. is_alone: there is no other one, so that one that counts may say all."""
    reason = _useless(column, is_alone=is_alone)
    if reason:
        return Feature(column, "none", reason)
    if column.is_number:
        few = 2 < column.different <= _FEW_CLASSES and column.present >= _ROWS_EACH * column.different
        is_plain = column.is_whole and column.missing == 0 and all(_is_plain_int(each) for each in column.values)
        return Feature(column, "classes" if few and is_plain and not column.has_many else "number")
    if column.is_date:
        return Feature(column, "day", "year, month, day of the week and days since 2000")
    is_varied = column.has_many or column.different > column.present / 2
    if column.words_each >= _TEXT_WORDS and (column.different > _MAX_WORDS or is_varied):
        return Feature(column, "text")
    signs = next((each for each in column.values if not _SIGNED_NUMBER.fullmatch(each.strip())), None)
    if signs is None and is_varied:
        example = shown(next(iter(column.values)), 20)
        return Feature(column, "none", f"its numbers have signs, as `{example}`: write plain numbers to use it")
    if is_varied and column.different > _MIN_ROWS_OF_ID:
        is_code = column.has_many or column.different > _ALMOST_ALL * column.present
        if is_code and column.words_each < _TEXT_WORDS - 1:
            return Feature(column, "none", "almost every row has another value, as identifiers and names do")
        return Feature(column, "text")
    return Feature(column, "words")


def _useless(column: ColumnScan, *, is_alone: bool) -> str:
    """Return why a column says nothing; empty where it may say something."""
    if column.present == 0:
        return "it is empty"
    if column.different == 1 and (column.missing == 0 or column.is_number):
        return "it has one value alone"
    if column.is_number and max(column.most, -column.least) > _LARGEST:
        return "it holds numbers whose squares are beyond float32"
    is_unique = column.different == column.present or (column.has_many and column.is_whole)
    if column.is_number and column.is_whole and is_unique and column.present >= _MIN_ROWS_OF_ID:
        is_named_as_id = _ID.fullmatch(column.name) is not None
        if column.most - column.least + 1 == column.present and (is_named_as_id or not is_alone):
            return "it counts the rows"
        if is_named_as_id:
            return "it looks like an identifier"
    return ""


def _is_plain_int(text: str) -> bool:
    return re.fullmatch(r"-?(?:0|[1-9]\d{0,8})", text) is not None


def shown(text: str, limit: int = 40) -> str:
    """Return a name or a value as part of a comment."""
    return cut(comment_text(text), limit)

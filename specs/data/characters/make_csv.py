"""Makes characters.csv of what Python knows of Unicode: a name, two properties in letters, and three numbers each."""

from __future__ import annotations

import csv
import random
import sys
import unicodedata
from pathlib import Path

UNICODE = "14.0.0"
SEED = 5
EACH = 250
"""The most characters of a kind."""

KINDS = {
    "Lu": "uppercase letter",
    "Ll": "lowercase letter",
    "Lo": "other letter",
    "Mn": "mark",
    "Nd": "digit",
    "Po": "punctuation",
    "Sm": "mathematical symbol",
    "So": "other symbol",
}
COLUMNS = ("name", "direction", "width", "code_point", "utf8_bytes", "parts", "kind")
NUMBERED = ("CJK ", "HANGUL ", "TANGUT ", "NUSHU ", "KHITAN ", "CUNEIFORM ", "EGYPTIAN ", "ANATOLIAN ", "BAMUM ")
"""Beginnings of names that hold little more than a number, or belong to one of very many alike."""


def make_rows() -> list[list[str]]:
    """The rows of the table, header first, always the same under one version of Unicode."""
    kinds: dict[str, list[str]] = {kind: [] for kind in KINDS}
    for code_point in range(sys.maxunicode + 1):
        character = chr(code_point)
        kind = unicodedata.category(character)
        name = unicodedata.name(character, "")
        if kind in kinds and name and not name.startswith(NUMBERED):
            kinds[kind].append(character)
    shuffled = random.Random(SEED)
    rows = [_row(each) for found in kinds.values() for each in shuffled.sample(found, min(EACH, len(found)))]
    shuffled.shuffle(rows)
    return [list(COLUMNS), *rows]


def _row(character: str) -> list[str]:
    return [
        unicodedata.name(character).capitalize(),
        unicodedata.bidirectional(character),
        unicodedata.east_asian_width(character),
        str(ord(character)),
        str(len(character.encode())),
        str(len(unicodedata.normalize("NFKD", character))),
        KINDS[unicodedata.category(character)],
    ]


if __name__ == "__main__":
    if unicodedata.unidata_version != UNICODE:
        sys.exit(f"this Python knows Unicode {unicodedata.unidata_version}; use Python 3.11 for {UNICODE}")
    with open(Path(__file__).parent / "characters.csv", "w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(make_rows())

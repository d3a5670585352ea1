"""A number → the bytes of a document: a spec of the project, mutated until it may be anything.

Case n of a seed is always the same. Every specimen is a shipped spec or a wrong one of `tests/rules`; it is changed as
bytes, as tokens or as a tree, written as YAML or as JSON, and now and then in another encoding.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from graphspec.diagnostics import Report, SourceText, SpecError
from graphspec.language.document.read_yaml import read_yaml
from graphspec.language.document.tree import plain

from ..agreement.edits import written
from ..agreement.mutate import mutate
from .hostile import HOSTILE

ROOT = Path(__file__).resolve().parent.parent.parent
_HOSTILE_EVERY = 400
_LARGEST = 200_000

_TOKENS = r"""
{ } [ ] , : - ? & * ! | > ' " # % @ ` << --- ... &a *a *b !!str !!python/object:os.system !!binary !x ~ null true no
0o17 0x1F 012 1:30 1e3 1e999 -1 0 .inf -.nan 99999999999999999999999999 ${ } ${x} ${1/0} ${9**9**9} ${"a"*9999} $${
${[1,2]} graphspec: inputs: outputs: graph: apply: from: merge: repeat: call: when: otherwise: include: vars: blocks:
params: layers: models: training: data: file: spec: weights: Dense LSTM TimeDistributed: Bidirectional: ops.reshape:
ops.einsum: Lambda: my>Layer > [0] [1] .y x y a/b ../.. /dev/null x.npy
""".split()  # noqa: SIM905
_SIGNS = "\0\x07\x85\u2028\ufeff\ud7ff\U0001f600\u202e\t\r"
_BYTES = b" \t\n\r:-[]{},#&*!|>'\"%@`0123456789azAZ_\x00\x7f\xff"
_VALUES: list[Any] = [
    None, True, False, 0, -1, 1, 2**31, 2**64, -(2**70), 10**40, 0.5, -0.0, 1e308, float("inf"), float("nan"), "", " ",
    "x", "x[0]", "x.y", "no", "1", "${x}", "${", "${1/0}", "${9**9**9}", "$${x}", "\0", "\n", "a\nb", "\ufeff",
    "\u2028", "é", "\U0001f600", "a" * 300, "../../../../etc/passwd", "/dev/null", ".", "x.npy", "x.keras", "*.npy",
    "x.weights.h5", [], {}, [[]], [None], [[[[[[]]]]]], {"": None}, {"x": {}}, {"from": "x"}, {"Dense": 1},
    {"when": False}, {"a": 1, "b": 2},
]  # fmt: skip


@dataclass(frozen=True)
class Case:
    """A document, and the ending of the file that it stands in."""

    what: str
    data: bytes
    suffix: str


@cache
def specimens() -> list[str]:
    """The texts that cases are made from."""
    paths = [*sorted((ROOT / "specs").rglob("*.yaml")), *sorted((ROOT / "tests" / "rules").rglob("*.yaml"))]
    return [path.read_bytes().decode("utf-8", errors="replace") for path in paths]


def make_case(seed: int, number: int) -> Case:
    """Case `number` of `seed`."""
    rng = random.Random(f"{seed}:{number}")
    if number % _HOSTILE_EVERY == _HOSTILE_EVERY - 1:
        what = list(HOSTILE)[number // _HOSTILE_EVERY % len(HOSTILE)]
        data = HOSTILE[what]()
        suffix = ".json" if "JSON" in what or "braces" in what or rng.random() < 0.2 else ".yaml"
        return Case(what, data if isinstance(data, bytes) else data.encode("utf-8", errors="surrogatepass"), suffix)
    kind = rng.choice(list(_MAKERS))
    text, suffix = _MAKERS[kind](rng.choice(specimens()), rng), ".yaml"
    if (kind == "tree" and rng.random() < 0.5) or rng.random() < 0.03:
        suffix = ".json"
    data = text if isinstance(text, bytes) else _encoded(text, rng)
    return Case(kind, data[:_LARGEST], suffix)


def _encoded(text: str, rng: random.Random) -> bytes:
    if rng.random() < 0.97:
        return text.encode("utf-8", errors="surrogatepass")
    return text.encode(rng.choice(("utf-8-sig", "utf-16", "utf-16-le", "utf-32", "latin-1")), errors="replace")


def _as_bytes(text: str, rng: random.Random) -> bytes:
    """Flipped, inserted, removed, repeated and exchanged bytes."""
    data = bytearray(text.encode("utf-8"))
    for _ in range(rng.choice((1, 1, 2, 3, 8, 30))):
        at, length = rng.randrange(len(data) + 1), rng.choice((1, 1, 2, 5, 20, 100))
        match rng.randrange(7):
            case 0:
                data[at : at + 1] = bytes([rng.randrange(256)])
            case 1:
                data[at:at] = bytes(
                    rng.choice(b" \t\n\r:-[]{},#&*!|>'\"%@`0123456789azAZ_\x00\x7f\xff") for _ in range(length)
                )
            case 2:
                del data[at : at + length]
            case 3:
                data[at:at] = data[at : at + length] * rng.choice((1, 2, 20))
            case 4:
                other = rng.choice(specimens()).encode("utf-8")
                start = rng.randrange(len(other))
                data[at : at + length] = other[start : start + length]
            case 5:
                for place in range(at, min(at + length, len(data))):
                    data[place] ^= 1 << rng.randrange(8)
            case _:
                del data[at:]
    return bytes(data)


def _as_tokens(text: str, rng: random.Random) -> str:
    """Words and signs of YAML and of the language thrown in, and lines moved."""
    for _ in range(rng.choice((1, 1, 2, 3, 10))):
        at = rng.randrange(len(text) + 1)
        token = rng.choice(_TOKENS) if rng.random() < 0.9 else rng.choice(_SIGNS)
        token = rng.choice(("", " ", "\n", "\n  ")) + token + rng.choice(("", " ", "\n"))
        lines = text.split("\n")
        line = rng.randrange(len(lines))
        match rng.randrange(6):
            case 0 | 1:
                text = text[:at] + token + text[at:]
            case 2:
                text = text[:at] + token + text[at + rng.randrange(12) :]
            case 3:
                lines.insert(rng.randrange(len(lines)), lines.pop(line))
                text = "\n".join(lines)
            case 4:
                lines[line] = " " * rng.randrange(12) + lines[line].lstrip()
                text = "\n".join(lines)
            case _:
                text = "\n".join(lines[:line] + [lines[line]] * rng.choice((2, 3)) + lines[line + 1 :])
    return text


def _as_tree(text: str, rng: random.Random) -> str:
    """Values replaced, moved, nested and removed; the tree written as JSON, which is YAML as well."""
    tree = _tree(text)
    for _ in range(rng.choice((1, 1, 2, 4))):
        holder, key = _somewhere(tree, rng)
        match rng.randrange(6):
            case 0 | 1:
                holder[key] = deepcopy(rng.choice(_VALUES))
            case 2:
                other, other_key = _somewhere(tree, rng)
                holder[key] = json.loads(json.dumps(other[other_key]))
            case 3:
                holder[key] = rng.choice(([holder[key]], {"x": holder[key]}, [holder[key]] * 3))
            case 4 if isinstance(holder, dict):
                holder[rng.choice((*holder, "x", "", "graph", "Dense", "when", "repeat", "a b", "é"))] = holder.pop(key)
            case _:
                del holder[key]
        if not tree:
            break
    return json.dumps(tree, ensure_ascii=rng.random() < 0.5) if rng.random() < 0.7 else written(tree)


@cache
def _source_tree(text: str) -> str:
    try:
        return json.dumps(plain(read_yaml(SourceText("x", text), Report())))
    except SpecError:
        return '{"graphspec": 1}'


def _tree(text: str) -> Any:
    tree = json.loads(_source_tree(text))
    return tree if isinstance(tree, dict) and tree else {"graphspec": 1}


def _somewhere(tree: Any, rng: random.Random) -> tuple[Any, Any]:
    """A mapping or list, and a key of it."""
    holder, key = tree, rng.choice(list(tree))
    while isinstance(holder[key], dict | list) and holder[key] and rng.random() < 0.8:
        holder = holder[key]
        key = rng.choice(list(holder)) if isinstance(holder, dict) else rng.randrange(len(holder))
    return holder, key


def _as_spec(text: str, rng: random.Random) -> str:
    """Some single mutations, each as a person could make it, one after the other."""
    for _ in range(rng.randint(1, 4)):
        try:
            text = mutate(text, rng).text
        except (ValueError, TypeError, AttributeError, IndexError, AssertionError, SpecError):  # no longer a spec
            return text
    return text


_MAKERS: dict[str, Callable[[str, random.Random], str | bytes]] = {
    "bytes": _as_bytes,
    "tokens": _as_tokens,
    "tree": _as_tree,
    "spec": _as_spec,
}

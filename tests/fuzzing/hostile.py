"""Documents made to hurt: deep, large, multiplying, oddly encoded. Each is named for what it tries."""

from __future__ import annotations

import json
from collections.abc import Callable

from .hostile_repeats import HOSTILE_REPEATS
from .hostile_shapes import HOSTILE_SHAPES

SPEC = "graphspec: 1\ninputs: {x: [4]}\noutputs: {y: {from: x, apply: {Dense: 2}}}\n"
_MIB = 2**20


def _alias_bomb() -> str:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    return "\n".join(lines) + "\n" + SPEC


def _vars(lines: list[str]) -> str:
    return "vars:\n" + "".join(f"  {line}\n" for line in lines) + SPEC


def _spec_of(layers: str) -> str:
    return SPEC.replace("{Dense: 2}", layers)


HOSTILE: dict[str, Callable[[], bytes | str]] = {
    "100,000 opening brackets": lambda: "[" * 100_000,
    "100,000 nested brackets": lambda: "[" * 100_000 + "]" * 100_000,
    "100,000 nested braces": lambda: '{"a":' * 100_000 + "1" + "}" * 100_000,
    "a deep end of many values": lambda: '{"a": [' + "1, " * 1_000_000 + "[" * 50_000 + "]" * 50_000 + "]}",
    "nested block mappings": lambda: "".join(" " * n + "a:\n" for n in range(2_000)),
    "nested block lists": lambda: "- " * 20_000 + "x",
    "a bomb of aliases": _alias_bomb,
    "a bomb of aliases as layers": lambda: _spec_of("*a8").replace(
        "graphspec: 1", _alias_bomb().partition("\ngraphs")[0]
    ),
    "an anchor that holds itself": lambda: "a: &a [*a]\n" + SPEC,
    "10 MiB of spaces": lambda: " " * (10 * _MIB),
    "10 MiB of one word": lambda: "a" * (10 * _MIB),
    "7 MiB of one word": lambda: "a" * (7 * _MIB),
    "7 MiB in quotes": lambda: SPEC + 'description: "' + "a" * (7 * _MIB) + '"',
    "7 MiB never unquoted": lambda: SPEC + 'description: "' + "a b\n" * (2 * _MIB - 100_000),
    "7 MiB of line ends": lambda: SPEC + "\n" * (7 * _MIB),
    "9 MiB of line ends": lambda: SPEC + "\n" * (9 * _MIB),
    "7 MiB of line ends and a wrong byte": lambda: SPEC.encode() + b"\n" * (7 * _MIB) + b"\xff",
    "7 MiB of line ends without text": lambda: "\r" * (7 * _MIB),
    "7 MiB of comments": lambda: SPEC + "# a comment\n" * (7 * _MIB // 12),
    "7 MiB of list items": lambda: "- 1\n" * (7 * _MIB // 4),
    "7 MiB of keys": lambda: "".join(f"key_{n}: 1\n" for n in range(500_000)),
    "7 MiB of one key": lambda: "key: 1\n" * _MIB,
    "7 MiB of unknown keys after a spec": lambda: SPEC + "".join(f"key_{n}: 1\n" for n in range(400_000)),
    "100,000 nodes": lambda: SPEC + "graph:\n" + "".join(f"  n{n}: {{from: x, apply: ReLU}}\n" for n in range(100_000)),
    "a chain of nodes": lambda: (
        SPEC + "graph:\n  n0: x\n" + "".join(f"  n{n}: {{from: n{n - 1}, apply: ReLU}}\n" for n in range(1, 10_000))
    ),
    "2,000 circles of nodes": lambda: (
        SPEC + "graph:\n" + "".join(f"  n{n}: {{from: n{n ^ 1}, apply: ReLU}}\n" for n in range(4_000))
    ),
    "a circle of nodes": lambda: (
        SPEC + "graph:\n" + "".join(f"  n{n}: {{from: n{(n + 1) % 5000}, apply: ReLU}}\n" for n in range(5_000))
    ),
    "50,000 undefined references": lambda: (
        SPEC + "graph:\n" + "".join(f"  n{n}: {{from: m{n}, apply: ReLU}}\n" for n in range(50_000))
    ),
    "50,000 unknown layers": lambda: (
        SPEC + "graph:\n" + "".join(f"  n{n}: {{from: x, apply: Dens{n}}}\n" for n in range(50_000))
    ),
    "100,000 anchors": lambda: "".join(f"k{n}: &a{n} 1\n" for n in range(100_000)),
    "100,000 tags": lambda: "[" + "!!python/object:os.system x, " * 100_000 + "]",
    "a tag of Python": lambda: SPEC + "description: !!python/object/apply:os.system ['echo hurt']\n",
    "a key with a tag": lambda: SPEC + "!!python/name:os.system : 1\n",
    "a number of a million digits": lambda: SPEC.replace("Dense: 2", "Dense: " + "9" * 1_000_000),
    "a number of a million digits in JSON": lambda: '{"graphspec": ' + "9" * 1_000_000 + "}",
    "a large exponent": lambda: SPEC.replace("Dense: 2", "Dense: 1e999999999"),
    "a large size": lambda: SPEC.replace("[4]", "[" + "9" * 99 + "]"),
    "a large power": lambda: _vars(['a: "${9**9**9**9}"']),
    "growing variables": lambda: _vars(['v0: "${[1, 2, 3]}"'] + [f'v{n}: "${{v{n - 1} * 10}}"' for n in range(1, 45)]),
    "growing text": lambda: _vars(['v0: "aaaaaaaaaa"'] + [f'v{n}: "${{v{n - 1}}}${{v{n - 1}}}"' for n in range(1, 45)]),
    "a circle of variables": lambda: _vars([f'v{n}: "${{v{(n + 1) % 1000}}}"' for n in range(1_000)]),
    "30,000 variables in a row": lambda: (
        "vars: {" + "".join(f'v{n}: "${{v{n + 1}}}", ' for n in range(30_000)) + "v30000: 1}\n" + SPEC
    ),
    "30,000 variables in a circle": lambda: (
        "vars: {" + ", ".join(f'v{n}: "${{v{(n + 1) % 30_000}}}"' for n in range(30_000)) + "}\n" + SPEC
    ),
    "30,000 faulty expressions in a row": lambda: (
        "vars: {" + ", ".join(f'v{n}: "${{v{n} +}}"' for n in range(30_000)) + "}\n" + SPEC
    ),
    "a deep expression": lambda: _vars(['a: "${' + "(" * 200 + "1" + ")" * 200 + '}"']),
    "100,000 expressions": lambda: _vars([f"v{n}: ${{1 + {n}}}" for n in range(100_000)]),
    "a million repeats": lambda: _spec_of("{Dense: 2, repeat: 1000000}"),
    "repeats of repeats": lambda: (
        SPEC.replace("{Dense: 2}", "b9")
        + "blocks:\n  b0: {inputs: x, output: {from: x, apply: {Dense: 2, repeat: 100}}}\n"
        + "".join(
            f"  b{n}: {{inputs: x, output: {{from: x, apply: {{b{n - 1}: , repeat: 100}}}}}}\n" for n in range(1, 10)
        )
    ),
    "models in models": lambda: (
        SPEC
        + "models:\n"
        + "".join(
            f"  m{n}: {{inputs: {{x: [4]}}, outputs: {{y: {{from: x, apply: [m{n + 1}, m{n + 1}]}}}}}}\n"
            for n in range(60)
        )
    ),
    "models written inside models": lambda: _inside(40),
    "a million blanks before a key": lambda: SPEC + " " * 1_000_000 + "a: 1",
    "a key of a million letters": lambda: SPEC + "a" * 1_000_000 + ": 1\n",
    "a long quoted key": lambda: SPEC + '? "' + "a" * 500_000 + '"\n: 1\n',
    "a misspelled key of 500,000 letters": lambda: SPEC.replace("inputs:", "inputs" + "s" * 500_000 + ":"),
    "complex keys": lambda: SPEC + "? [a, b]\n: 1\n? {c: d}\n: 2\n",
    "NUL bytes": lambda: SPEC.encode() + b"\x00" * 1000,
    "a NUL byte in a name": lambda: SPEC.replace("x:", "x\0:"),
    "an escaped NUL in a path": lambda: SPEC + 'include: ["a\\0b"]\n',
    "an escaped NUL in a data file": lambda: SPEC + 'data: {train: {inputs: {x: "a\\0.npy"}}}\n',
    "a lone surrogate": lambda: json.dumps({"graphspec": 1, "name": "\ud800"}),
    "a surrogate as a path": lambda: '{"graphspec": 1, "include": ["\\ud800.yaml"]}',
    "a path of 100,000 letters": lambda: SPEC + "include: [" + "a" * 100_000 + "]\n",
    "a path of weights of 5,000 letters": lambda: (
        SPEC + "training: {optimizer: adam, initial_weights: " + "a" * 5_000 + ".weights.h5}\n"
    ),
    "a text of an expression with NUL": lambda: _vars(["a: '${\"\\x00\"}'"]) + "include: ['${a}']\n",
    "a folder as an include": lambda: SPEC + "include: [.]\n",
    "a device as an include": lambda: SPEC + "include: [/dev/zero]\n",
    "UTF-16 with a mark": lambda: SPEC.encode("utf-16"),
    "UTF-16 without a mark": lambda: SPEC.encode("utf-16-le"),
    "UTF-32": lambda: SPEC.encode("utf-32"),
    "Latin-1": lambda: (SPEC + "description: Gr\xfc\xdfe\n").encode("latin-1"),
    "UTF-8 with a mark": lambda: SPEC.encode("utf-8-sig"),
    "two marks": lambda: b"\xef\xbb\xbf" + SPEC.encode("utf-8-sig"),
    "lines that end in CR": lambda: SPEC.replace("\n", "\r"),
    "lines that end in CR LF": lambda: SPEC.replace("\n", "\r\n"),
    "other line ends": lambda: SPEC + "description: a\u2028b\u2029c\x85d\n",
    "other line ends everywhere": lambda: SPEC + "a: b\x85c # d\u2028e\nf: |\n  g\u2029h\n? 'i\x85j'\n: k\n",
    "as many values as there may be": lambda: SPEC + "vars:\n  a:\n" + "    - b: 1\n" * 26_000,
    "as many values in brackets as there may be": lambda: SPEC + f"vars: {{a: [{'1, ' * 79_000}]}}\n",
    "as many nodes as there may be": lambda: (
        SPEC + "graph:\n" + "".join(f"  n{n}: {{from: x, apply: ReLU}}\n" for n in range(13_000))
    ),
    "as many comments as there may be": lambda: (
        SPEC + "vars:\n" + "".join(f"  n{n}: {{a: x, b: [1, 2], c: d}}  # e\n" for n in range(4_900))
    ),
    "letters from right to left": lambda: SPEC + "description: \u202e\u0627\u0644\n",
    "10,000 documents": lambda: "---\n" * 10_000,
    "a directive": lambda: "%YAML 1.1\n---\n" + SPEC,
    "an unknown directive": lambda: "%HURT 1\n---\n" + SPEC,
    "nothing": lambda: "",
    "one byte": lambda: b"\xff",
    "a list": lambda: "[graphspec]",
    **HOSTILE_SHAPES,
    **HOSTILE_REPEATS,
}
"""What each tries → the document."""


def _inside(depth: int) -> str:
    text = "inputs: {x: [4]}, outputs: {y: x}"
    for _ in range(depth):
        text = f"inputs: {{x: [4]}}, models: {{m: {{{text}}}}}, outputs: {{y: {{from: x, apply: m}}}}"
    return "{graphspec: 1, " + text + "}"

"""Text that a terminal, a CI service or a reader would take for something else, and files that no report may show."""

from __future__ import annotations

import json

from .case import BASE, Case, Content, layers, spec, training
from .contents import link, pipe, sparse

SIGNS = {
    "a command of GitHub": "x\n::add-mask::y",
    "a command that ends commands": "x\r::stop-commands::y",
    "a command after both line ends": "x\r\n::set-output name=a::b",
    "a command after another line end": "x\u2028::warning::y",
    "a command after a next line": "x\x85::error::y",
    "an old command": "##[add-path]/tmp",
    "a colour": "\x1b[31mred\x1b[0m",
    "a title of the terminal": "\x1b]0;owned\x07",
    "a link of the terminal": "\x1b]8;;http://127.0.0.1\x1b\\click\x1b]8;;\x1b\\",
    "a bell": "\x07\x07",
    "backspaces": "good\x08\x08\x08\x08evil",
    "a line that is written over": "evil\rgood",
    "C1 controls": "\x9b31mred\x9d0;x\x9c",
    "letters from right to left": "\u202egpj.exe",
    "isolated letters": "\u2066evil\u2069",
    "all overrides": "".join(map(chr, [*range(0x202A, 0x202F), *range(0x2066, 0x206A)])),
    "delete": "a\x7fb",
}
FORBIDDEN = [
    *(chr(code) for code in [*range(0x09), 0x0B, 0x0C, *range(0x0E, 0x20), *range(0x7F, 0xA0)]),
    *(chr(code) for code in [0x2028, 0x2029, *range(0x202A, 0x202F), *range(0x2066, 0x206A)]),
]
"""Characters that no output may hold, whatever a spec says."""


def _json(**changes: object) -> str:
    """The base spec in JSON, in which any text can be written, under the name of a YAML file."""
    body = {
        "graphspec": 1,
        "inputs": {"x": [4]},
        "outputs": {"y": {"from": "x", "apply": {"Dense": 1}, "loss": "mse"}},
        "training": {"optimizer": "sgd"},
        "data": {"train": {"inputs": {"x": "x.npy"}, "outputs": {"y": "y.npy"}}},
    }
    return json.dumps({**body, **changes})


def _at(position: str, text: str) -> str:
    """A spec with `text` in a position where it is wrong."""
    train = {"inputs": {"x": "x.npy"}, "outputs": {"y": "y.npy"}}
    return {
        "a name": _json(name=text),
        "a key": _json(**{text: 1}),
        "a node": _json(graph={text: {"from": "x", "apply": "ReLU"}}),
        "a reference": _json(graph={"a": {"from": text, "apply": "ReLU"}}),
        "a layer": _json(graph={"a": {"from": "x", "apply": {text: 1}}}),
        "an argument": _json(graph={"a": {"from": "x", "apply": {"Dense": {"units": 1, text: 1}}}}),
        "a value": _json(training={"optimizer": text}),
        "an include": _json(include=[text]),
        "a path": _json(data={"train": {**train, "inputs": {"x": f"{text}.npy"}}}),
        "a path of a model": _json(models={"m": {"file": f"{text}.keras"}}),
        "a path of a callback": _json(training={"optimizer": "sgd", "callbacks": [{"CSVLogger": f"../{text}"}]}),
        "a variable": _json(vars={text: 1}),
        "an expression": _json(vars={"a": "${" + json.dumps(text) + " / 0}"}),
        "a plugin": _json(plugins=[text]),
        "a metric": _json(outputs={"y": {"from": "x", "apply": {"Dense": 1}, "loss": "mse", "metrics": [text]}}),
        "a search": _json(search={"parameters": {text: [1, 2]}}),
        "a frozen layer": _json(training={"optimizer": "sgd", "freeze": [text]}),
        "a column": _json(data={"train": {**train, "inputs": {"x": {"file": "t.csv", "column": text}}}}),
        "a data set": _json(data={"train": {**train, "inputs": {text: "x.npy"}}}),
    }[position]


POSITIONS = (
    *("a name", "a key", "a node", "a reference", "a layer", "an argument", "a value", "an include", "a path"),
    *("a path of a model", "a path of a callback", "a variable", "an expression", "a plugin", "a metric", "a search"),
    *("a frozen layer", "a column", "a data set"),
)
INJECTIONS = [
    Case(
        f"{what} in {position}", _at(position, text), {"t.csv": "a,b\n1,2\n"}, refused=None, folder=False, builds=False
    )
    for number, (what, text) in enumerate(SIGNS.items())
    for at, position in enumerate(POSITIONS)
    if number in (0, 6) or (number + at) % 5 == 0
]
"""Every position with a command and with a colour, and a fifth of the others."""

DISCLOSURES = [
    Case(
        f"the excerpt of {path} {how}",
        text.replace("SECRET", path),
        hides=("hunter2", "SECRET_TOKEN", "root:x:", "root:*:", "PATH=", "precious"),
        reads=(path,),
    )
    for path in (
        "../outside/secret.env",
        "../outside/victim.txt",
        "/etc/passwd",
        "/proc/self/environ",
        "/proc/self/status",
    )
    for how, text in {
        "as an include": "include: ['SECRET']\n" + BASE,
        "as a model": layers("[m, {Dense: 1}]", models="{m: {spec: 'SECRET'}}"),
        "as a saved model": layers("[m, {Dense: 1}]", models="{m: {file: 'SECRET'}}"),
        "as data": spec(data="{train: {inputs: {x: {file: 'SECRET', column: a}}, outputs: {y: y.npy}}}"),
        "as weights": training("initial_weights: 'SECRET'"),
        "as an initializer": layers("{Dense: {units: 1, kernel_initializer: {file: 'SECRET'}}}"),
    }.items()
] + [
    Case(
        "the excerpt of a file by a link",
        "include: [lib.yaml]\n" + BASE,
        {"lib.yaml": link("../outside/secret.env")},
        hides=("hunter2",),
        reads=("../outside/secret.env",),
    ),
    Case(
        "the excerpt of a file by a linked folder",
        "include: [far/secret.env]\n" + BASE,
        {"far": link("../outside")},
        hides=("hunter2",),
        reads=("../outside/secret.env",),
    ),
    Case(
        "the excerpt by an include of an include",
        "include: [a.yaml]\n" + BASE,
        {"a.yaml": "graphspec: 1\ninclude: [../outside/secret.env]\n"},
        hides=("hunter2",),
        reads=("../outside/secret.env",),
    ),
    Case(
        "the excerpt of a secret in CSV",
        spec(data="{train: {inputs: {x: {file: far.csv, columns: [a, b]}}, outputs: {y: y.npy}}}"),
        {"far.csv": link("../outside/table.csv"), "../outside/table.csv": "hunter2_canary,b\nhunter2_canary,2\n"},
        refused=True,
        reads=("../outside/table.csv",),
    ),
    Case(
        "a spec that is a link to a secret",
        files={"spec.yaml": link("../outside/secret.env")},
        hides=("hunter2",),
        reads=("../outside/secret.env",),
        builds=False,
    ),
    Case(
        "settings that are a link to a secret",
        files={"pyproject.toml": link("../outside/secret.env")},
        refused=None,
        hides=("hunter2",),
        reads=("../outside/secret.env",),
    ),
]

EXPRESSIONS = [
    Case(
        f"the expression {text[:60]}",
        "vars:\n  a: " + json.dumps("${" + text + "}") + "\n" + BASE,
        refused=refused,
        folder=False,
        builds=False,
    )
    for text, refused in {
        "round(1, -10**9)": None,
        "round(10**70, -10**8)": None,
        "round(2**200, -(2**200))": None,
        "round(1.5, 10**70)": None,
        "9**9**9**9": True,
        "-9**-9**9": None,
        "(-2)**0.5": None,
        "2**255 * 2**255": True,
        "'a' * 10**9": True,
        "['a'] * 9999 * 9999": True,
        "str(10**70) * 9999": True,
        "int('9' * 9999)": None,
        "float('1' * 9999)": None,
        "int('1_0' * 3000)": None,
        "len('a' * 9999 + 'b' * 9999)": None,
        "max([1] * 9999, [2] * 9999)": None,
        "min('a' * 9999)": None,
        "[[1] * 9999] * 9999": True,
        "'%s' % ('a' * 9999)": None,
        "'%9999999999d' % 1": True,
        "'{0:9999999999}' + 'a'": None,
        "1 if True else 2": False,
        "().__class__.__bases__": True,
        "[x for x in [1]]": True,
        "(lambda: 1)()": True,
        "__import__('os')": True,
        "open('/etc/passwd')": True,
        "str.format('{0.__class__}', 1)": True,
        "f'{1}'": True,
        "len": True,
        "int(b'1')": True,
        "1e308 * 10 // 1": None,
        "float('nan') // 1": None,
        "int(float('inf'))": True,
        "round(float('nan'))": True,
        "0.1 % 0": True,
        "10**70 / 3": None,
        "2**200 / 1e-300": None,
        "+".join(["1"] * 5000): None,
        "(" * 150 + "1" + ")" * 150: None,
        "not " * 5000 + "1": None,
        "-" * 5000 + "1": None,
        "1 < " * 3000 + "2": None,
        "[" * 90 + "]" * 90: None,
        "'a' in 'a'": None,
        "a": True,
        "1" + "0" * 5000: True,
        "1j": True,
        "...": True,
        "1 << 10**9": True,
        "~1": True,
        "(a := 1)": True,
    }.items()
]

_BRACKETS = "[a" * 60_000
ODD = [
    Case("open brackets in a pattern of layers", training(f"freeze: ['{_BRACKETS}*']")),
    Case("open brackets in a glob", spec(data=f"{{train: {{inputs: {{x: '{_BRACKETS}*'}}, outputs: {{y: y.npy}}}}}}")),
    Case(
        "open brackets in settings",
        files={"pyproject.toml": f"[tool.graphspec]\nexclude = ['{_BRACKETS}']\n"},
        refused=False,
        builds=False,
    ),
    Case("a key of another type", "1: 2\n? [a]\n: b\n" + BASE),
    Case("a truth value as units", layers("{Dense: true}")),
    Case("a truth value as units by name", layers("{Dense: {units: true}}")),
    Case("expressions that repeat themselves", "vars: {a: '${b}', b: '${c}', c: '${a}'}\n" + BASE),
    Case(
        "growing variables",
        "vars:\n  v0: [1, 2, 3]\n" + "".join(f"  v{n}: '${{v{n - 1} + v{n - 1}}}'\n" for n in range(1, 60)) + BASE,
    ),
    Case(
        "growing text",
        "vars:\n  v0: aaaaaaaaaa\n" + "".join(f"  v{n}: '${{v{n - 1}}}${{v{n - 1}}}'\n" for n in range(1, 60)) + BASE,
    ),
    Case("a tag of Python", BASE + "description: !!python/object/apply:os.system ['touch pwned']\n"),
    Case("a tag that makes a tuple", BASE + "description: !!python/tuple [1]\n"),
    Case("a tag that reads a name", BASE + "description: !!python/name:os.system ''\n"),
    Case(
        "a tag with its address",
        "%TAG ! tag:yaml.org,2002:python/\n---\n" + BASE + "description: !object/apply:os.system [ls]\n",
    ),
    Case("an anchor that holds itself", "a: &a [*a]\n" + BASE),
    Case(
        "a bomb of aliases",
        "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12)) + BASE,
    ),
    Case("1,500 levels", "description: " + "[" * 1500 + "]" * 1500 + "\n" + BASE),
    Case("99 levels of JSON", '{"graphspec": 1, "a": ' + "[" * 99 + "]" * 99 + "}"),
    Case("100,000 levels of JSON", '{"graphspec": ' * 100_000),
    Case(
        "includes in a circle",
        "include: [a.yaml]\n" + BASE,
        {"a.yaml": "graphspec: 1\ninclude: [b.yaml]\n", "b.yaml": "graphspec: 1\ninclude: [a.yaml]\n"},
    ),
    Case("an include of itself", "include: [spec.yaml]\n" + BASE),
    Case(
        "includes that double",
        "include: [i0.yaml]\n" + BASE,
        {f"i{n}.yaml": f"graphspec: 1\ninclude: [i{n + 1}.yaml, j{n + 1}.yaml]\n" for n in range(18)}
        | {f"j{n}.yaml": f"graphspec: 1\ninclude: [i{n + 1}.yaml, ./i{n + 1}.yaml]\n" for n in range(1, 18)},
        folder=False,
    ),
    Case(
        "models of other specs in a circle",
        layers("[m, {Dense: 1}]", models="{m: {spec: a.yaml}}"),
        {"a.yaml": layers("[m, {Dense: 1}]", models="{m: {spec: spec.yaml}}")},
    ),
    Case(
        "models of other specs that double",
        layers("[m, {Dense: 1}]", models="{m: {spec: m0.yaml}}"),
        {
            f"m{n}.yaml": layers(
                "[m, k, {Dense: 4}]", models=f"{{m: {{spec: m{n + 1}.yaml}}, k: {{spec: m{n + 1}.yaml}}}}"
            )
            for n in range(20)
        }
        | {"m20.yaml": layers("{Dense: 4}")},
        folder=False,
        refused=None,
    ),
    Case("a billion repeats", layers("[{Dense: 1, repeat: 1000000000}]")),
    Case(
        "repeats in repeats",
        layers(
            "[b, {Dense: 1}]",
            blocks="{b: {inputs: q, output: {from: q, apply: [{c: , repeat: 5000}]}}, "
            "c: {inputs: q, output: {from: q, apply: [{ReLU: , repeat: 5000}]}}}",
        ),
    ),
    Case("a large reshape", layers("[{ops.reshape: [-1, 99999999999999999999]}, {Dense: 1}]"), refused=None),
    Case(
        "a large kernel",
        layers("[{Reshape: [2, 2, 1]}, {Conv2D: {filters: 1, kernel_size: 1000000000}}, Flatten, {Dense: 1}]"),
    ),
    Case("a layer of a billion units", layers("[{Dense: 1000000000}, {Dense: 1}]"), refused=None),
    Case(
        "an einsum of many letters", layers("[{ops.einsum: 'abcdefghijklmnopqrstuvwxyz->a'}, {Dense: 1}]"), refused=None
    ),
    Case("a freeze pattern that is slow", training("freeze: ['" + "*a" * 40 + "b']")),
    Case("20,000 frozen layers", training("freeze: [" + "y, " * 20_000 + "y]"), refused=None),
    Case("overrides that climb", options=("--set", "training.__class__=1")),
    Case("an override of a large index", options=("--set", "training.callbacks[999999999]=1")),
    Case("an override with a tag", options=("--set", "name=!!python/object/apply:os.system [ls]")),
    Case("an override of aliases", options=("--set", "name=&a [*a]")),
    Case(
        "a search of a million values",
        BASE + "search: {parameters: {training.epochs: {int: {low: 1, high: 1000000000000}}}}\n",
        refused=None,
    ),
    Case(
        "a comment that ignores all",
        "# graphspec: ignore-file[GS]\n" + training("callbacks: [{CSVLogger: ../x}]"),
        refused=None,
        trains=True,
    ),
    Case("a long comment", BASE + "# graphspec: ignore[" + "GS1," * 50_000 + "\n", refused=None),
    Case(
        "spaces before a comment",
        BASE + "#" + " " * 100_000 + "graphspec: ignore" + " " * 100_000 + "[\n",
        refused=None,
    ),
    Case(
        "many large includes",
        spec(include=f"[{', '.join(f'i{n}.yaml' for n in range(60))}]"),
        files={f"i{n}.yaml": f"vars: {{a{n}: [{'0, ' * 79_000}]}}\n" for n in range(60)},
        says="take too much work",
        slow=True,
        folder=False,
    ),
    Case(
        "many large specs as models",
        layers("[m0, {Dense: 1}]", models=f"{{{', '.join(f'm{n}: {{spec: s{n}.yaml}}' for n in range(60))}}}"),
        files={f"s{n}.yaml": f"{BASE}vars: {{a: [{'0, ' * 79_000}]}}\n" for n in range(60)},
        says="take too much work",
        slow=True,
        folder=False,
    ),
    Case("a spec of bytes", b"\xff\xfe\x00\x00" + BASE.encode("utf-16-le")),
    Case("a spec of NUL", b"\0" * 5000),
    Case("an empty spec", ""),
]

_FOLDERS: list[tuple[str, str, Content]] = [
    ("a link to itself", "self.yaml", link("self.yaml")),
    ("two links to each other", "b.yaml", link("a/../b.yaml")),
    ("a dangling link", "gone.yaml", link("nowhere")),
    ("a pipe", "pipe.yaml", pipe),
    ("an endless file", "zero.yaml", link("/dev/zero")),
    ("a folder that ends in .yaml", "folder.yaml/x.txt", b""),
    ("a name that is no UTF-8", "caf\udce9.yaml", BASE),
    ("a name with a newline", "a\n::add-mask::b.yaml", BASE.replace("Dense: 1", "Dens: 1")),
    ("a name with ESC", "a\x1b[31m.yaml", BASE.replace("Dense: 1", "Dens: 1")),
    ("a name from right to left", "a\u202elmay.yaml", BASE.replace("Dense: 1", "Dens: 1")),
    ("a name that looks like an option", "--fix.yaml", BASE),
    ("a name that looks like a glob", "[a-z]*.yaml", BASE),
    ("a circle of folders", "loop/again", link("..")),
    ("a link to all files", "root", link("/")),
    ("a link to a secret", "secret.yaml", link("../outside/secret.env")),
    ("a file of NUL", "nul.yaml", b"graphspec: 1\n\0\0\0"),
    ("a file of 9 MiB", "large.yaml", b"graphspec: 1\n" + b"# x\n" * (9 * 2**18)),
    ("deep brackets", "deep.json", b'{"graphspec": ' + b"[" * 50_000),
    ("a terabyte of holes", "holes.yaml", sparse(2**40, b"graphspec: 1\n")),
    ("a name of 255 bytes", "n" * 250 + ".yaml", BASE),
    ("300 folders in each other", "/".join(["d"] * 300) + "/x.yaml", BASE),
]
FOLDERS = [
    Case(
        f"a folder with {what}",
        reads=("../outside/secret.env",),
        hides=("hunter2",),
        files={name: content, "good.yaml": BASE, "zz.yaml": BASE.replace("Dense: 1", "Dens: 1")},
        refused=False,
        builds=False,
    )
    for what, name, content in _FOLDERS
]

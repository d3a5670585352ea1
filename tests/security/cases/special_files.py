"""Devices, pipes, links and folders wherever a spec names a file, and globs that never end."""

from __future__ import annotations

from typing import Any

from . import contents
from .case import BASE, Case, Content, layers, spec, training
from .contents import link

KINDS: dict[str, Content] = {
    "a pipe": contents.pipe,
    "an endless device": link("/dev/zero"),
    "a device that blocks": link("/dev/tty"),
    "a random device": link("/dev/urandom"),
    "the kernel's log": link("/dev/kmsg"),
    "standard input": link("/dev/stdin"),
    "a pipe by a link": link("../project/deep_pipe"),
    "a link to itself": link("self"),
    "a dangling link": link("nowhere/at/all"),
    "memory of the process": link("/proc/self/mem"),
    "the environment": link("/proc/self/environ"),
    "a socket": contents.local_socket,
    "a folder": contents.folder,
    "a terabyte of holes": contents.sparse(2**40),
    "a terabyte of holes after a magic number": contents.sparse(2**40, b"PK\x03\x04\x93NUMPY\x01\x00v\x00"),
}
"""What may lie at a path → how it is made."""

POSITIONS: dict[str, tuple[str, str]] = {
    "an include": ("lib.yaml", "include: [lib.yaml]\n" + BASE),
    "a model of another spec": ("m.yaml", layers("[m, {Dense: 1}]", models="{m: {spec: m.yaml}}")),
    "a saved model": ("m.keras", layers("[m, {Dense: 1}]", models="{m: {file: m.keras}}")),
    "weights of a model": (
        "w.weights.h5",
        layers(
            "m", models="{m: {inputs: {a: [4]}, outputs: {b: {from: a, apply: {Dense: 1}}}, weights: w.weights.h5}}"
        ),
    ),
    "initial weights": ("w.weights.h5", training("initial_weights: w.weights.h5")),
    "initial weights of a model": ("w.keras", training("initial_weights: w.keras")),
    "an initializer": ("k.npy", layers("{Dense: {units: 1, kernel_initializer: {file: k.npy}}}")),
    "an initializer of an archive": (
        "k.npz",
        layers("{Dense: {units: 1, kernel_initializer: {file: k.npz, key: a}}}"),
    ),
    **{
        f"data in {ending}": (
            f"d.{ending}",
            spec(data=f"{{train: {{inputs: {{x: {{file: d.{ending}{part}}}}}, outputs: {{y: y.npy}}}}}}"),
        )
        for ending, part in {
            "npy": "",
            "npz": ", key: a",
            "csv": ", columns: [a, b, c, d]",
            "jsonl": ", column: a",
            "parquet": ", column: a",
            "feather": ", column: a",
            "arrow": ", column: a",
            "tfrecord": ", feature: a",
        }.items()
    },
    "an image of a list": (
        "list.csv",
        spec(
            inputs="{x: [2, 2, 1]}",
            outputs="{y: {from: x, apply: [Flatten, {Dense: 1}], loss: mse}}",
            data="{train: {inputs: {x: {file: list.csv, column: path, decode: image, size: [2, 2], channels: 1}}, "
            "outputs: {y: y.npy}}}",
        ),
    ),
    "an image": (
        "img/d.png",
        spec(
            inputs="{x: [2, 2, 1]}",
            outputs="{y: {from: x, apply: [Flatten, {Dense: 1}], loss: mse}}",
            data="{train: {inputs: {x: {files: 'img/*.png', decode: image, size: [2, 2], channels: 1}}, "
            "outputs: {y: y.npy}}}",
        ),
    ),
    "a shard": (
        "part-1.npy",
        spec(data="{train: {inputs: {x: 'part-*.npy'}, outputs: {y: y.npy}}}"),
    ),
}
"""Where a spec names a file → the path, and the spec."""

_LATER = ("a saved model", "weights of a model", "initial weights", "initial weights of a model")
"""What is read when the model is built: `validate` looks whether there is a regular file."""


def _images(glob: str) -> str:
    return spec(
        inputs="{x: [2, 2, 1]}",
        outputs="{y: {from: x, apply: [Flatten, {Dense: 1}], loss: mse}}",
        data=f"{{train: {{inputs: {{x: {{files: '{glob}', decode: image, size: [2, 2], channels: 1}}}}, "
        "outputs: {y: y.npy}}}",
    )


def _shards(glob: str) -> str:
    return spec(data=f"{{train: {{inputs: {{x: '{glob}'}}, outputs: {{y: y.npy}}}}}}")


def _looking(glob: str) -> dict[str, Any]:
    """A glob over all files of the machine is looked for as long as `docs/data.md` says."""
    return {"slow": True} if glob.startswith(("/**", "../..")) else {}


def _words(layer: str, vocabulary: str) -> str:
    """The base spec with a layer that reads its words from a file."""
    step = f"{{{layer}: {{vocabulary: '{vocabulary}', output_mode: multi_hot}}}}"
    outputs = f"{{y: {{from: x, apply: [{step}, {{Dense: 1}}], loss: mse}}}}"
    return spec(inputs="{x: {shape: [1], dtype: string}}", outputs=outputs, data="")


CASES = [
    *(
        Case(
            f"{kind} as {position}",
            text,
            {"deep_pipe": contents.pipe, path: content},
            reads=("/dev/zero", "/dev/urandom"),
            slow=(row + column) % 6 != 0,
            refused=None if "initializer" in position or ("holes" in kind and position in _LATER) else True,
        )
        for row, (kind, content) in enumerate(KINDS.items())
        for column, (position, (path, text)) in enumerate(POSITIONS.items())
    ),
    *(
        Case(f"{path} as an include", f"include: [{path}]\n" + BASE, reads=(path,))
        for path in ("/dev/zero", "/dev/stdin", "/proc/kmsg", "/proc/self/fd/0", "/dev/fd/0", "/dev/tty", "/sys", "/")
    ),
    *(
        Case(f"{path} as data", spec(data=f"{{train: {{inputs: {{x: {path}}}, outputs: {{y: y.npy}}}}}}"))
        for path in ("/proc/self/environ", "http://127.0.0.1:9/x.npy", "gs://bucket/x.npy", "s3://bucket/x.npy")
    ),
    *(
        Case(f"the glob {glob}", _images(glob), builds=False, reads=("/",), **_looking(glob))
        for glob in (
            *("/proc/**/*", "/dev/*", "/dev/**", "/sys/**/*.png", "/**/*.png", "/proc/self/task/**/*"),
            *("/proc/*/root/**/*", "**/**/**/**/**/**/**/**/*.png", "../../../../../../**/nothing*.png"),
            *("*a*a*a*a*a*a*a*a*a*a*a*b.png", "[[[[[[[[*", "[!a-z]**/[!a-z]**", "*/*/*/*/*/*/*/*/*/*/*/*/*/*"),
        )
    ),
    *(
        Case(f"the glob of shards {glob}", _shards(glob), builds=False, reads=("/",), **_looking(glob))
        for glob in ("/proc/**/*.npy", "/**/x*.npy", "/dev/*", "**/*[a-z]*[a-z]*[a-z]*[a-z]*.npy/nothing")
    ),
    Case(
        "a glob over a link to all files",
        _images("all/**/*.png"),
        {"all": link("/")},
        builds=False,
        reads=("/",),
        **_looking("/**"),
    ),
    Case(
        "a glob through a link to /proc", _images("all/*/*.png"), {"all": link("/proc")}, builds=False, reads=("/proc",)
    ),
    Case(
        "a glob over a circle of links",
        _images("a/**/*.png"),
        {"a/b/c": link(".."), "a/d": link("."), "a/e": link("../a")},
    ),
    Case(
        "a glob over a link out of the project",
        _shards("parts/**/*.npy"),
        {"parts/far": link("../../outside"), "../outside/secret.npy": contents.npy(8, 4)},
    ),
    Case(
        "a glob in a deep folder",
        _images("deep/**/*.png"),
        {"deep/" + "d/" * 300 + "x.txt": "x"},
    ),
    Case("a glob over 3,000 files", _images("many/**/*.gif"), {f"many/{number}": "" for number in range(3000)}),
    Case("a glob of 20,000 stars", _images("*" * 20_000 + ".png")),
    Case("a glob of 4,000 folders", _images("*/" * 4_000 + "*.png")),
    Case(
        "a list of images that are devices",
        POSITIONS["an image of a list"][1],
        {
            "list.csv": "path\n/dev/zero\n/dev/tty\ndeep_pipe\n/proc/self/environ\n/dev/stdin\na\nb\nc\n",
            "deep_pipe": contents.pipe,
        },
        refused=None,
    ),
    Case("settings that are a pipe", files={"pyproject.toml": contents.pipe}, refused=None),
    Case("settings that are endless", files={"pyproject.toml": link("/dev/zero")}, refused=None),
    Case("settings that are a folder", files={"pyproject.toml": contents.folder}, refused=None),
    Case("settings that are a link to themselves", files={"pyproject.toml": link("pyproject.toml")}, refused=None),
    Case(
        "settings of a terabyte", files={"pyproject.toml": contents.sparse(2**40, b"[tool.graphspec]\n")}, refused=None
    ),
    Case(
        "settings whose patterns are slow",
        files={
            "pyproject.toml": '[tool.graphspec]\nexclude = ["' + "**/" * 30 + 'x", "' + "*a" * 30 + 'b"]\n',
            "/".join(["a"] * 40) + "/" + "a" * 200 + ".yaml": BASE.replace("x.npy", "n.npy").replace("y.npy", "m.npy"),
        },
        refused=None,
    ),
    Case(
        "settings nested deep",
        files={"pyproject.toml": "[tool.graphspec]\nselect = " + "[" * 20_000 + "]" * 20_000},
        refused=None,
    ),
    Case(
        "settings of 7 MiB",
        files={"pyproject.toml": "[tool.graphspec]\nselect = [" + '"GS1",' * 10**6 + "]\n"},
        refused=None,
    ),
    Case("a project whose .git is a pipe", files={".git": contents.pipe}, refused=False),
    Case(
        "a plugin that is a pipe", "plugins: [piped]\n" + BASE, {"piped.py": contents.pipe}, refused=None, builds=False
    ),
    Case(
        "a layer's vocabulary that is endless",
        _words("StringLookup", "/dev/zero"),
        refused=None,
    ),
    Case(
        "a layer's vocabulary that is a secret",
        _words("StringLookup", "bystander.env"),
        refused=None,
        hides=("hunter2",),
        reads=("bystander.env",),
    ),
    *(
        Case(
            f"a vocabulary of {layer} at {path}",
            _words(layer, path),
        )
        for layer in ("StringLookup", "TextVectorization")
        for path in ("gs://bucket/words.txt", "http://127.0.0.1:9/words.txt")
    ),
]

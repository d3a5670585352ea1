"""`Case`: something hostile, how it lies in a folder, and what graphspec must say of it.

<case>/project/   spec.yaml, x.npy, y.npy, the files of the case, and bystanders that no spec names
<case>/outside/   what must stay as it is: victim.txt, secret.env, other.yaml
<case>/tmp/       the folder for temporary files, empty after every command
<case>/cache/     the cache of converted data
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from ..audit import MARKER, Limits
from . import contents

Content = str | bytes | Callable[[Path], Any]
"""What a file holds, or a function that makes whatever lies at its path."""

SECRET = "SECRET_TOKEN=hunter2_canary"
"""Stands in files that no spec may show."""
CODE = f"import os\n{MARKER} = os.system('touch pwned')\n"
"""Python code that nothing may run."""

BASE = """\
graphspec: 1
inputs: {x: [4]}
outputs: {y: {from: x, apply: {Dense: 1}, loss: mse}}
training: {optimizer: sgd, epochs: 1, batch_size: 4}
data: {train: {inputs: {x: x.npy}, outputs: {y: y.npy}}}
"""

_BYSTANDERS = ("bystander.env", "bystander.npy", "bystander.csv", "bystander.py", ".hidden/spec.yaml")


@dataclass(frozen=True)
class Case:
    """Something hostile.

    refused: whether `validate` must find an error in it; None where either answer will do.
    hides: text that no output may hold. says: text that the report must hold. reads: files and folders outside of the
    project that the spec names, relative to it. folder: whether all specs of the project are looked at, too.
    builds: whether commands that load TensorFlow are run on it. trains: whether it is trained. slow: whether it is one
    of many of its kind, and is left to the slow tests. seconds: of processor time that a command may take.
    """

    name: str
    spec: str | bytes = BASE
    files: Mapping[str, Content] = field(default_factory=dict)
    refused: bool | None = True
    hides: tuple[str, ...] = ()
    says: str = ""
    reads: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    folder: bool = True
    builds: bool = True
    trains: bool = False
    slow: bool = False
    seconds: float = 2.0

    def lay_out(self, root: Path) -> None:
        """Write the case below `root`, which must be a new folder."""
        project, outside = root / "project", root / "outside"
        for each in (project / ".hidden", outside, root / "tmp", root / "cache"):
            each.mkdir(parents=True)
        (outside / "victim.txt").write_text("precious\n")
        (outside / "secret.env").write_text(f"{SECRET}: [\n")
        (outside / "other.yaml").write_text("graphspec: 1\nlayers: {shared: {Dense: 4}}\n")
        (project / "bystander.env").write_text(SECRET)
        (project / "bystander.csv").write_text(f"a,b\n{SECRET},1\n")
        (project / "bystander.py").write_text(CODE)
        (project / ".hidden" / "spec.yaml").write_text(BASE)
        contents.npy()(project / "bystander.npy")
        contents.npy(8, 4)(project / "x.npy")
        contents.npy(8, 1)(project / "y.npy")
        text = self.spec
        (project / "spec.yaml").write_bytes(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"))
        for name, content in self.files.items():
            path = Path(os.path.join(project, name))
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.is_symlink() or path.is_file():
                path.unlink()
            if callable(content):
                content(path)
            else:
                path.write_bytes(content if isinstance(content, bytes) else content.encode())

    def limits(self, root: Path, *writes: str, reads: tuple[str, ...] = (), starts: bool = False) -> Limits:
        """Return the limits of a command in `root`, with what it may write and read beside, relative to the project."""
        project = os.path.join(root, "project")
        named = [os.path.normpath(os.path.join(project, each)) for each in (*self.reads, *reads)]
        secrets = [os.path.join(project, each) for each in _BYSTANDERS]
        secrets += [os.path.join(root, "outside", each) for each in ("secret.env", "victim.txt")]
        allowed = [os.path.normpath(os.path.join(project, each)) for each in writes]
        real = [os.path.realpath(each) for each in named]
        return Limits(
            reads=(project, *named),
            writes=tuple(allowed),
            secrets=tuple(each for each in secrets if each not in real),
            starts=starts,
        )


def each(cases: Iterable[Case]) -> pytest.MarkDecorator:
    """Return the mark by which a test is run on each of `cases`, as its argument `case`."""
    marks = {True: [pytest.mark.slow], False: []}
    return pytest.mark.parametrize("case", [pytest.param(case, id=case.name, marks=marks[case.slow]) for case in cases])


def spec(**sections: str) -> str:
    """Return the base spec with some of its sections replaced, or others added; each is one line of flow YAML."""
    lines = dict(line.split(": ", 1) for line in BASE.splitlines())
    return "".join(f"{key}: {value}\n" for key, value in {**lines, **sections}.items() if value)


def training(more: str) -> str:
    """Return the base spec with more in its `training`."""
    return spec(training=f"{{optimizer: sgd, epochs: 1, batch_size: 4, {more}}}")


def layers(steps: str, **sections: str) -> str:
    """Return the base spec with other steps from `x` to `y`."""
    return spec(outputs=f"{{y: {{from: x, apply: {steps}, loss: mse}}}}", **sections)

"""Every spec of the repository as a module: well formatted, and of the same model where graphspec is not installed."""

from __future__ import annotations

import itertools
import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import pytest

import graphspec
from graphspec.spec import Spec, inspect
from graphspec.to_keras import build_model
from graphspec.to_python import python_source
from graphspec.training.compiling import compile_model

from ..structure import Walk
from .cases import CASES, PLUGIN
from .describe import compiled, describe
from .processes import found_by, start

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = sorted((ROOT / "specs").rglob("*.yaml"))
FIXTURES = sorted((ROOT / "tests" / "rules").rglob("*.yaml"))
BLOCK = re.compile(r"^```yaml\n(graphspec: 1\n.*?)^```$", re.MULTILINE | re.DOTALL)
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
TOO_LARGE = {
    *("video_qa", "vqa", "resnet50", "densenet121", "unet", "inception", "causal_lm"),
    *("mobilevit", "deeplab", "mobilenet_v2", "vit", "eanet", "tweets", "text_qa"),
}
"""The specs that take half a second to make, or to compute: they are compared without weights."""


@dataclass
class Made:
    """A spec with its module."""

    name: str
    spec: Spec
    module: Path


def make(name: str, path: Path, module: Path) -> Made | None:
    """The module of a spec; None for a spec with errors."""
    spec, _ = inspect(path)
    if spec is None:
        return None
    module.parent.mkdir(exist_ok=True, parents=True)
    module.write_text(python_source(spec, module.parent), encoding="utf-8")
    return Made(name, spec, module)


@pytest.fixture(scope="module")
def modules(tmp_path_factory: pytest.TempPathFactory) -> list[Made]:
    """The modules of the shipped specs, and of the cases."""
    folder = tmp_path_factory.mktemp("modules")
    made = [make(path.stem, path, folder / "shipped" / f"{path.stem}.py") for path in SHIPPED]
    (folder / "my_layers.py").write_text(PLUGIN, encoding="utf-8")
    made += written(CASES, folder)
    assert [each for each in made if each is not None] == made, "all of these specs are right"
    return [each for each in made if each is not None]


def written(texts: dict[str, str], folder: Path) -> list[Made | None]:
    """The modules of specs that are given as texts."""
    made = []
    for name, text in texts.items():
        path = folder / f"{name}.yaml"
        path.write_text(text, encoding="utf-8")
        made.append(make(name, path, folder / f"{name}.py"))
    return made


def blocks() -> dict[str, str]:
    """The specs in the documents."""
    found = {page: BLOCK.findall(page.read_text(encoding="utf-8")) for page in PAGES}
    named = {text: f"{page.stem}_{number}" for page, texts in found.items() for number, text in enumerate(texts)}
    return {name: text for text, name in named.items()}  # some pages show the same


@pytest.mark.slow
def test_modules_build_the_models_of_their_specs(modules: list[Made], tmp_path: Path) -> None:
    """Layers, their names and arguments, calls, order of weights, outputs bit by bit, and losses are the spec's."""
    every = compare(modules, tmp_path)
    assert sum(isinstance(each.get("results"), dict) for each in every) > 25
    assert sum("compiled" in each for each in every) > 20


@pytest.mark.long
def test_modules_of_the_documents_build_the_models_of_their_specs(tmp_path: Path) -> None:
    """The same of every spec in the documents."""
    made = [each for each in written(blocks(), tmp_path) if each is not None]
    assert len(compare(made, tmp_path)) > 5


def compare(modules: list[Made], folder: Path) -> list[dict[str, Any]]:
    """What the models of specs are, after what their modules build is compared with it."""
    jobs = [{"module": str(each.module), "weightless": each.name in TOO_LARGE} for each in modules]
    process = start(jobs, folder)  # beside what this process builds
    every = []
    for made in modules:
        keras.utils.clear_session()
        model = build_model(made.spec, weightless=made.name in TOO_LARGE, adapted=False)
        expected = describe(model, Walk, computes=made.name not in TOO_LARGE)
        if made.spec.training is not None and made.name not in TOO_LARGE:
            compile_model(made.spec, model)
            expected["compiled"] = compiled(model)
        every.append(json.loads(json.dumps(expected)))
    keras.utils.clear_session()
    for made, expected, actual in zip(modules, every, found_by(process), strict=True):
        assert "error" not in actual, f"{made.name}: {actual.get('error')}"
        for key in (expected.keys() | actual.keys()) - OTHERWISE.get(made.name, set()):
            assert actual.get(key) == expected.get(key), f"{made.name}: {key}"
    return every


OTHERWISE = {"neural_forest": {"wiring"}, "swin": {"wiring"}, "nmt": {"wiring", "layers"}}
"""What differs of specs whose blocks have weights, which take their place in the graph from an input: in a module from
one of the block, in the model of a spec from one of the model. Only the size of that input is taken, times 0: numbers,
names and weights are the same, in the same order.
"""


_RUFF = (
    ["format", "--line-length", "100", "--diff"],
    ["check"],
    ["check", "--select", "E,F,W,I,B,C4,PIE,RET,RUF,SIM,UP,D1", "--ignore", "D100,E501,RUF001,RUF002,RUF003,SIM108"],
)


def test_modules_are_formatted_and_clean(modules: list[Made], tmp_path: Path) -> None:
    """`ruff format` and `ruff check` leave every module as it is, those of all fixtures of the rules as well."""
    names = {path: f"{path.parent.name}_{path.stem.replace('.', '_')}.py" for path in FIXTURES}
    fixtures = [make(path.stem, path, tmp_path / name) for path, name in names.items()]
    groups = (modules, [each for each in fixtures if each is not None])
    assert sum(map(len, groups)) > 150
    for group, arguments in itertools.product(groups, _RUFF):
        files = [str(each.module) for each in group]
        command = [sys.executable, "-m", "ruff", *arguments, "--isolated", "--no-cache", *files]
        done = subprocess.run(command, capture_output=True, text=True, cwd=group[-1].module.parent, check=False)
        assert done.returncode == 0, done.stdout[:3000] + done.stderr[:3000]


def test_modules_do_not_speak_of_graphspec(modules: list[Made]) -> None:
    """No module imports graphspec."""
    for made in modules:
        assert not re.search(r"^\s*(import|from) graphspec", made.module.read_text(encoding="utf-8"), re.MULTILINE)


def test_public_name() -> None:
    """`graphspec.python_source` gives the source of a spec's module."""
    source = graphspec.python_source(graphspec.load(ROOT / "specs" / "mlp.yaml"))
    assert source.startswith('"""A fully connected network')
    assert "def build_model():" in source

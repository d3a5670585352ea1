"""The fixed keys of the language: what is refused, beside what `tests/rules` shows."""

from __future__ import annotations

from pathlib import Path

import graphspec


def findings(path: Path) -> list[tuple[str, str]]:
    """Code and message of every finding."""
    return [(finding.rule.code, finding.message) for finding in graphspec.validate(path)]


def spec(folder: Path, rest: str) -> Path:
    """A spec with one input, and `rest`."""
    path = folder / "spec.yaml"
    path.write_text("graphspec: 1\ninputs: {x: [4]}\n" + rest, encoding="utf-8")
    return path


def test_names_that_pydantic_uses_for_itself(tmp_path: Path) -> None:
    """A node may be called as pydantic calls a member of a union, and a wrong name may look like its marker of keys."""
    path = spec(tmp_path, "outputs: {int: {from: x, aply: ReLU}, bool: 3}")
    assert findings(path) == [
        ("GS101", "there is no key `aply` in `int`"),
        ("GS103", "`bool` is the number 3, not the name of a tensor"),
    ]
    path = spec(tmp_path, 'outputs: {"[key]": {"[key]": 1, from: x}}')
    assert findings(path) == [
        ("GS105", "`[key]` is not a name"),
        ("GS101", "there is no key `[key]` in `[key]`"),
    ]


def test_two_mistakes_are_two_findings(tmp_path: Path) -> None:
    """A missing key hides behind an unknown one only where the one is meant as the other."""
    path = spec(tmp_path, "outputs: {a: {form: x}, b: {whatever: x}}")
    assert findings(path) == [
        ("GS101", "there is no key `form` in `a`"),
        ("GS102", "`b` has no `from`"),
        ("GS101", "there is no key `whatever` in `b`"),
    ]


def test_union_is_one_finding(tmp_path: Path) -> None:
    """A value that no member of a union takes is one finding that names all of them."""
    path = spec(
        tmp_path,
        "outputs: {a: {from: x, loss: mse}}\ntraining: {optimizer: adam, jit_compile: 3, steps_per_execution: 0}",
    )
    assert findings(path) == [
        ("GS103", "`jit_compile` is the number 3, not `auto` or true or false"),
        ("GS104", "`steps_per_execution` cannot be `0`"),
    ]

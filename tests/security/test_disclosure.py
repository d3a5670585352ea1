"""A spec shows no line of a file that lies outside of its project, in no format and no message."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import graphspec
from graphspec.cli import main
from graphspec.diagnostics import SpecError
from graphspec.diagnostics.formats import FORMATS
from graphspec.validation import validate

SECRET = "hunter2"
SPEC = "graphspec: 1\ninputs: {x: [2]}\noutputs: {y: {from: x, apply: {Dense: 1}, loss: mse}}\n"
Make = Callable[[str], Path]

FOREIGN = {
    "a line of text": f"root:{SECRET}:0:0:root\n",
    "a list": f"- {SECRET}\n- b\n",
    "a mapping": f"{SECRET}: {SECRET}\n",
    "a mapping with keys of a model": f"inputs: {{{SECRET}: [1]}}\noutputs: {{y: {SECRET}}}\n",
    "a tab": f"\t{SECRET}: 1\n",
    "an open bracket": f"key: [{SECRET}\n",
    "an open quote": f'key: "{SECRET}\n',
    "an alias": f"key: *{SECRET}\n",
    "a tag": f"key: !{SECRET} x\n",
    "a key twice": f"{SECRET}: 1\n{SECRET}: 2\n",
    "two documents": f"{SECRET}: 1\n---\n{SECRET}: 2\n",
    "a directive": f"%{SECRET} 1\n---\na\n",
    "no UTF-8": f"{SECRET} \udcff\n",
    "an anchor": f"a: &{SECRET} 1\na: *{SECRET}x\n",
    "a merge key": f"<<: {{{SECRET}: 1}}\n",
    "a comment that ignores": f"# graphspec: ignore[{SECRET}]\n{SECRET}\n",
    "JSON": f'{{"{SECRET}": {SECRET}}}\n',
    "too large": f"{SECRET} " * 1_300_000,
    "too deep": "[" * 200 + SECRET,
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The folder of a project, in a folder with what is none of its business."""
    folder = tmp_path / "project" / "specs"
    folder.mkdir(parents=True)
    (folder.parent / "pyproject.toml").write_text("")
    return folder


@pytest.mark.parametrize("kind", FOREIGN)
@pytest.mark.parametrize(
    ("name", "text"),
    [("secret", "include: [{}]"), ("secret.json", "include: [{}]"), ("secret", "models: {{m: {{spec: {}}}}}")],
)
def test_nothing_of_a_file_outside_is_shown(project: Path, tmp_path: Path, kind: str, name: str, text: str) -> None:
    """Whatever is wrong with an included file outside of the project, the finding says where, and quotes nothing."""
    secret = tmp_path / name
    secret.write_text(FOREIGN[kind], encoding="utf-8", errors="surrogateescape")
    spec = project / "spec.yaml"
    spec.write_text(
        SPEC.replace("{Dense: 1}", "[m, {Dense: 1}]" if "spec:" in text else "{Dense: 1}") + text.format(secret)
    )
    report = validate(spec)
    assert [each for each in report.errors if each.span is not None and each.span.source.name == str(secret)]
    assert SECRET not in str(SpecError(report))
    assert not any(SECRET in each.message + each.help + each.expected for each in report)


@pytest.mark.parametrize("format", FORMATS)
def test_no_format_shows_it(project: Path, tmp_path: Path, format: str) -> None:
    """Every format, on the terminal and in a file, is free of it; so is what fmt and an exception print."""
    (tmp_path / "secret").write_text(f"a: [{SECRET}\n")
    spec = project / "spec.yaml"
    spec.write_text(SPEC + f"include: [{tmp_path / 'secret'}]\n")
    link = project / "link.yaml"
    link.symlink_to(tmp_path / "secret")
    out = tmp_path / "report"
    shown = CliRunner().invoke(main, ["validate", str(spec), str(link), "--format", format, "-o", str(out)])
    assert shown.exit_code == 1
    assert SECRET not in shown.output + shown.stderr + out.read_text()
    assert "GS00" in shown.output + out.read_text()
    again = CliRunner().invoke(main, ["fmt", str(link), "--diff"])
    assert again.exit_code == 1
    assert SECRET not in again.output + again.stderr
    with pytest.raises(SpecError) as refused:
        graphspec.build(spec)
    assert SECRET not in str(refused.value)


def test_links_are_resolved_first(project: Path, tmp_path: Path) -> None:
    """A link inside of the project to a file outside is outside; `..` and a link to the project are inside."""
    (tmp_path / "secret").write_text(SECRET)
    (project / "link").symlink_to(tmp_path / "secret")
    (project / "ours").write_text("ours: [\n")
    (tmp_path / "way").symlink_to(project)
    for include, is_shown in (("link", False), ("../specs/ours", True), (str(tmp_path / "way" / "ours"), True)):
        spec = project / "spec.yaml"
        spec.write_text(SPEC + f"include: [{include}]\n")
        shown = str(SpecError(validate(spec)))
        assert SECRET not in shown
        assert ("ours: [" in shown) is is_shown


def test_files_of_the_project_and_specs_are_shown(project: Path, tmp_path: Path) -> None:
    """Lines of a file beside the spec or in its project are shown, and of a spec wherever it lies."""
    (project.parent / "shared.yaml").write_text("layers: [seen_a]\nother: [\n")
    (tmp_path / "elsewhere.yaml").write_text("layers: {seen_b: {Dens: 1}}\n")
    spec = project / "spec.yaml"
    for include, line in (("../shared.yaml", "other: ["), (tmp_path / "elsewhere.yaml", "seen_b")):
        spec.write_text(SPEC + f"include: [{include}]\n")
        assert line in str(SpecError(validate(spec)))


def test_the_root_of_the_file_system_is_no_project() -> None:
    """A mark of a project at the root does not make every file one of it."""
    from graphspec.project import belongs

    assert belongs("/spec.yaml", "/")
    assert not belongs("/etc/passwd", "/")


@pytest.mark.parametrize(
    ("name", "text", "source"),
    [
        ("t.csv", f"x,y\n{SECRET},1\n", "column: x"),
        ("t.csv", f"x,y\n{SECRET},1\n", "column: x, vocabulary: [a, b]"),
        ("t.jsonl", f'{{"x": "{SECRET}"}}\n', "column: x, vocabulary: [a, b]"),
        ("t.jsonl", f'{{"x": 1}}\n{{"{SECRET}": "{SECRET}"}}\n', "column: x"),
        ("t.jsonl", f'{{"x": 1}}\n{SECRET}\n', "column: x"),
        ("t.csv", f"x,y\n{SECRET}.png,1\n", "column: x, decode: image, size: [4, 4], channels: 1"),
        ("t.csv", f"x,y\n{SECRET}.png,1\n", "column: x, decode: image"),
        ("t.csv", f"x,y\n{SECRET}.png,1\n", "column: x, decode: image, on_error: skip"),
    ],
)
def test_values_of_data_outside_are_not_quoted(
    project: Path, tmp_path: Path, name: str, text: str, source: str
) -> None:
    """A bad value in a data file of the project is quoted; of one outside, only its place is told."""
    np.save(project / "y.npy", np.zeros((1, 1)))
    for path, may_show in ((tmp_path / name, False), (project / name, True)):
        path.write_text(text)
        spec = project / "spec.yaml"
        data = f"data: {{train: {{inputs: {{x: {{file: {path}, {source}}}}}, outputs: {{y: y.npy}}}}}}\n"
        spec.write_text(SPEC.replace("x: [2]", "x: [1]") + "training: {optimizer: adam}\n" + data)
        found = [each for each in validate(spec, values=True) if each.rule.code.startswith("GS60")]
        assert found
        shown = "".join(each.message + each.help for each in found)
        if not may_show:
            assert SECRET not in shown


@pytest.mark.parametrize("source", ["column: x", "columns: [x, y]", ""])
def test_names_of_columns_are_those_of_a_table(project: Path, tmp_path: Path, source: str) -> None:
    """The first line of what a link calls a table is not told; that of a table is, wherever it lies."""
    (tmp_path / "secret").write_text(f"root:{SECRET},b\n")
    (tmp_path / "table.csv").write_text("alcohol,b\n1,2\n")
    (project / "link.csv").symlink_to(tmp_path / "secret")
    np.save(project / "y.npy", np.zeros((1, 1)))
    spec = project / "spec.yaml"
    for path, told in (("link.csv", ""), (tmp_path / "table.csv", "alcohol")):
        data = f"data: {{train: {{inputs: {{x: {{file: {path}, {source}}}}}, outputs: {{y: y.npy}}}}}}\n"
        spec.write_text(SPEC + "training: {optimizer: adam}\n" + data)
        shown = str(SpecError(validate(spec)))
        assert SECRET not in shown
        assert told in shown


def test_the_environment_is_never_shown(project: Path) -> None:
    """What the kernel knows of the process, by any name, is neither shown nor read."""
    spec = project / "spec.yaml"
    (project / "env.csv").symlink_to("/proc/self/environ")
    data = "data: {train: {inputs: {x: {file: env.csv, column: a}}, outputs: {y: 'x/*.npy'}}}\n"
    spec.write_text(SPEC + f"include: [/proc/self/environ]\ntraining: {{optimizer: adam}}\n{data}")
    done = subprocess.run(
        [sys.executable, "-m", "graphspec", "validate", str(spec), "--format", "json"],
        capture_output=True, text=True, check=False, env={"PATH": "/bin", "TOKEN": SECRET}, timeout=60,
        cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert SECRET not in done.stdout + done.stderr
    assert "GS001" in [each["code"] for each in json.loads(done.stdout)["findings"]]

"""Runs whose files something has damaged: each command ends with a finding, or with what it was asked for."""

from __future__ import annotations

import json
import os
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

import graphspec
from graphspec.cli import main
from graphspec.cli._verify_resume import differences
from graphspec.files import is_whole_zip
from graphspec.run_directory import read_json, write_json

SPEC = """
graphspec: 1
inputs: {x: [3], word: {shape: [1], dtype: int32}, text: {shape: [1], dtype: string}}
graph:
  known: {from: text, apply: [StringLookup, {Embedding: {input_dim: 4, output_dim: 2}}, Flatten]}
  seen: {from: [x, known], merge: concat}
  code: {from: word, apply: [{Embedding: {input_dim: 3, output_dim: 2}}, Flatten]}
  both: {from: [seen, code], merge: concat}
outputs:
  kind: {from: both, apply: {Dense: {units: 2, activation: softmax}}, loss: sparse_categorical_crossentropy}
  size: {from: both, apply: {Dense: 1}, loss: mse}
training: {optimizer: sgd, epochs: 3, batch_size: 8, checkpoint: {every: 2 steps, keep: 100}}
data:
  train:
    file: d.csv
    inputs: {x: {columns: [a, b, c]}, word: {columns: [word], vocabulary: auto}, text: {columns: [text]}}
    outputs: {kind: {column: kind, vocabulary: auto}, size: {column: a}}
  validation: {split: 0.25}
"""

FILES = (
    "run.json",
    "lock.json",
    "metrics.jsonl",
    "provenance.json",
    "vocabularies.json",
    "adapted.json",
)
DEEP = "[" * 100_000
HUGE = 10**400
CONTENTS: dict[str, bytes] = {
    "empty": b"",
    "truncated": b'{"status": "fin',
    "not UTF-8": b'{"status": "\xff\xfe"}',
    "nested": DEEP.encode(),
    "null": b"null",
    "list": b"[]",
    "object": b"{}",
    "surrogate": b'{"status": "finished", "name": "\\ud800"}',
    "zeros": bytes(4_096),
}
REPLACEMENTS: tuple[Any, ...] = (None, True, -1, HUGE, float("nan"), "text", "\x00", [], [[]], {}, {"key": {"deep": 1}})


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that has come to its end, with words and layers that have learnt from its data."""
    folder = tmp_path_factory.mktemp("damaged")
    rng = np.random.default_rng(0)
    rows = [f"{a:.3f},{b:.3f},{c:.3f},{'uvw'[n % 3]},{'pq'[n % 2]},{'yes' if a > 0.5 else 'no'}"
            for n, (a, b, c) in enumerate(rng.random((24, 3)))]  # fmt: skip
    (folder / "d.csv").write_text("\n".join(["a,b,c,word,text,kind", *rows]) + "\n", encoding="utf-8")
    (folder / "spec.yaml").write_text(SPEC, encoding="utf-8")
    return graphspec.train(folder / "spec.yaml", run_dir=folder / "runs" / "whole").path


@pytest.fixture
def run(finished: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """A copy of the finished run, beside it: its data lies where it says."""
    copy = finished.with_name("copy")
    shutil.copytree(finished, copy, symlinks=True)
    yield copy
    shutil.rmtree(copy)


@pytest.fixture
def killed(run: Path) -> Path:
    """The copy as if it had been killed after its first epoch and a half."""
    for later in ("step_000000006.npz", "step_000000008.npz", "step_000000009.npz"):
        (run / "checkpoints" / later).unlink(missing_ok=True)
    rows = (run / "metrics.jsonl").read_bytes().splitlines(keepends=True)
    (run / "metrics.jsonl").write_bytes(rows[0])
    (run / "model.keras").unlink()
    record = {key: value for key, value in read_json(run / "run.json").items() if key not in ("best", "metrics")}
    write_json(run / "run.json", {**record, "status": "running", "epochs": 1})
    return run


def call(*words: object) -> Result:
    """`graphspec` with these words, in this process; whatever it raises is raised here."""
    return CliRunner().invoke(main, [str(each) for each in words], catch_exceptions=False)


def commands(run: Path) -> dict[str, Callable[[], Result]]:
    """Every command that reads a run."""
    return {
        "runs": lambda: call("runs", run.parent),
        "runs --json": lambda: call("runs", run.parent, "--json", "--sort", "loss"),
        "compare": lambda: call("runs", "compare", run.with_name("whole"), run),
        "resume": lambda: call("train", "--resume", run, "--quiet"),
        "evaluate": lambda: call("evaluate", run, "--split", "validation"),
        "predict": lambda: call("predict", run, "--split", "validation"),
        "export": lambda: call("export", run, "--to", "keras", "--force"),
        "report": lambda: call("report", run),
    }


LIGHT = ("runs", "runs --json", "compare", "resume")


def check(result: Result, what: object) -> None:
    """A command ends well or with findings, none of which is a failure of graphspec's own."""
    assert result.exit_code in (0, 1, 2), (what, result.output)
    assert "GS902" not in result.output, (what, result.output)
    assert "Traceback" not in result.output, (what, result.output)
    assert result.exit_code != 1 or "error[GS" in result.output, (what, result.output)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every value in a JSON value; of long mappings and lists the first few."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in list(items)[:25]:
        yield from places(item, (*path, key))


def changed(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """A copy of `value` with `new` at `path`; `...` removes what stands there."""
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    if len(path) == 1 and new is ...:
        del copy[path[0]]
    else:
        copy[path[0]] = changed(value[path[0]], path[1:], new)
    return copy


def mutants(file: Path) -> Iterator[tuple[str, bytes]]:
    """The contents of a JSON file with one value replaced or removed, each with what was done."""
    lines = file.suffix == ".jsonl"
    text = file.read_text(encoding="utf-8")
    value = [json.loads(line) for line in text.splitlines()] if lines else json.loads(text)
    for path in places(value):
        if lines and not path:
            continue
        for new in (..., *REPLACEMENTS) if path else REPLACEMENTS:
            found = changed(value, path, new)
            said = "\n".join(map(json.dumps, found)) + "\n" if lines else json.dumps(found)
            yield f"{file.name}: {'.'.join(map(str, path))} is {repr(new)[:20]}", said.encode()


def cases(run: Path) -> list[tuple[str, str, bytes]]:
    """Every file of a run with every damage: its name, what was done, its content."""
    found = [(name, f"{name} is {what}", content) for name in FILES for what, content in CONTENTS.items()]
    return found + [(name, what, content) for name in FILES for what, content in mutants(run / name)]


def try_cases(run: Path, chosen: list[tuple[str, str, bytes]], names: tuple[str, ...]) -> None:
    """Damage the run in each way in turn, and run the commands."""
    whole = {name: (run / name).read_bytes() for name in (*FILES, "spec.yaml", "metrics.csv", "log.txt")}
    for file, what, content in chosen:
        (run / file).write_bytes(content)
        for name in names:
            check(commands(run)[name](), (name, what))
        for name, each in whole.items():
            (run / name).write_bytes(each)


@pytest.mark.slow
def test_no_damaged_value_is_more_than_a_finding(run: Path) -> None:
    """Any value of any JSON file of a run may be replaced or removed: what lists, compares and resumes says so."""
    chosen = random.Random(0).sample(cases(run), 200)
    try_cases(run, chosen, LIGHT)


@pytest.mark.slow
def test_commands_that_load_the_model_say_what_is_damaged(run: Path) -> None:
    """The same of those that build the model, on some of the cases."""
    chosen = random.Random(1).sample(cases(run), 8)
    try_cases(run, chosen, ("evaluate", "predict", "export", "report"))


def in_the_place_of(path: Path, kind: str) -> None:
    """Put something that is no ordinary file where a file was."""
    path.unlink(missing_ok=True)
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "link to nowhere":
        path.symlink_to(path.with_name("nowhere"))
    elif kind == "endless":
        path.symlink_to("/dev/zero")
    else:
        with open(path, "wb") as file:
            file.truncate(2**33)


KINDS = ("folder", "pipe", "link to nowhere", "endless", "huge")


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_file_of_a_run_is_neither_read_nor_waited_for(run: Path, kind: str) -> None:
    """A folder, a pipe, a link to nowhere or a device, an enormous file: a finding at once, whatever is asked for."""
    for name in (*FILES, ".held"):
        whole = (run / name).read_bytes()
        in_the_place_of(run / name, kind)
        for command in LIGHT:
            check(commands(run)[command](), (name, command))
        found = commands(run)["resume"]()
        assert name not in ("run.json", "lock.json", "metrics.jsonl") or "GS903" in found.output, (name, found.output)
        (run / name).rmdir() if kind == "folder" else (run / name).unlink()
        (run / name).write_bytes(whole)


def test_a_damaged_run_is_listed_beside_the_others(run: Path) -> None:
    """The others are listed as ever, and of the damaged one it is said what is wrong with it."""
    (run / "run.json").write_text('{"status": 3}', encoding="utf-8")
    result = call("runs", run.parent, "--json")
    assert result.exit_code == 0
    found = {Path(each["path"]).name: each for each in map(json.loads, result.stdout.splitlines())}
    assert (found["whole"]["status"], found["copy"]["status"]) == ("finished", "unreadable")
    assert "`status`" in found["copy"]["fault"]
    assert "warning" in result.stderr
    assert "`status`" in result.stderr
    newest = call("evaluate", run.parent)
    assert newest.exit_code == 1 or "GS903" not in newest.output


def test_model_of_a_run_outlives_its_record(run: Path) -> None:
    """With records that cannot be read, a model is used all the same, and the page says what is wrong with them."""
    for name in ("run.json", "lock.json", "metrics.jsonl", "provenance.json"):
        (run / name).write_text("{", encoding="utf-8")
    result = commands(run)["evaluate"]()
    assert result.exit_code == 0, result.output
    assert "changes in the spec or the data cannot be detected" in result.stderr
    assert commands(run)["report"]().exit_code == 0
    text = (run / "report.html").read_text(encoding="utf-8")
    assert all(
        f"{name} cannot be read" in text for name in ("run.json", "lock.json", "metrics.jsonl", "provenance.json")
    )


@pytest.mark.parametrize("lines", [0, None])
def test_lost_rows_are_not_passed_over(killed: Path, lines: int | None) -> None:
    """A run whose metrics are short or gone is not resumed as if they had never been."""
    file = killed / "metrics.jsonl"
    file.write_bytes(b"") if lines == 0 else file.unlink()
    result = call("train", "--resume", killed)
    assert result.exit_code == 1
    assert "error[GS903]" in result.stderr
    assert "it holds 0 of the 1 epochs" in result.stderr
    assert str(killed / "best.keras") in result.stderr, "which model can still be used"
    write_json(killed / "run.json", {**read_json(killed / "run.json"), "epochs": 0})
    result = call("train", "--resume", killed)
    assert "epochs before step_000000004.npz" in result.stderr


def test_a_finished_run_without_its_model_gets_it_back(run: Path) -> None:
    """Whoever needs the model is told how to have it written again, from the last checkpoint: the same to the bit."""
    import keras

    before = keras.saving.load_model(run / "model.keras").get_weights()
    (run / "model.keras").unlink()
    result = commands(run)["evaluate"]()
    assert result.exit_code == 1
    assert f"graphspec train --resume {run}" in result.stderr
    assert call("train", "--resume", run, "--quiet").exit_code == 0
    after = keras.saving.load_model(run / "model.keras").get_weights()
    assert all(np.array_equal(one, other) for one, other in zip(before, after, strict=True))
    assert read_json(run / "run.json")["status"] == "finished"


@pytest.mark.parametrize("file", ["model.keras", "best.keras"])
@pytest.mark.parametrize("how", ["truncated", "altered", "empty", "removed"])
def test_a_finished_run_with_a_damaged_model_gets_it_back(run: Path, file: str, how: str) -> None:
    """What is no whole model is written again as well, not passed over because something bears its name."""
    whole = (run / file).read_bytes()
    middle = len(whole) // 2
    if how == "removed":
        (run / file).unlink()
    else:
        flipped = bytes(255 - each for each in whole[middle : middle + 64])
        altered = {
            "truncated": whole[:middle],
            "altered": whole[:middle] + flipped + whole[middle + 64 :],
            "empty": b"",
        }
        (run / file).write_bytes(altered[how])
    assert call("train", "--resume", run, "--quiet").exit_code == 0
    assert is_whole_zip(run / file)
    assert read_json(run / "run.json")["status"] == "finished"
    before = (run / file).stat().st_mtime_ns
    assert call("train", "--resume", run, "--quiet").exit_code == 0
    assert (run / file).stat().st_mtime_ns == before


@pytest.mark.parametrize("kind", ["folder", "pipe"])
def test_checkpoint_that_is_no_file_is_passed_over(killed: Path, finished: Path, kind: str) -> None:
    """The one before it is used, and what lay there is kept under another name."""
    for name in ("step_000000004.npz", "best.npz", "step_000000006.npz"):
        in_the_place_of(killed / "checkpoints" / name, kind)
    result = call("train", "--resume", killed, "--quiet")
    assert result.exit_code == 0, result.output
    assert "step_000000004.npz is not a file and skipped" in result.stderr
    assert list(differences(finished, killed)) == []
    assert (killed / "checkpoints" / "step_000000004.npz.damaged").exists()


@pytest.mark.parametrize("words", [("evaluate", "--split", "validation"), ("predict", "--split", "validation")])
def test_words_in_another_order_are_not_used(run: Path, words: tuple[str, ...]) -> None:
    """A vocabulary that was changed would let each word stand for another: whoever needs it refuses the run."""
    found = read_json(run / "vocabularies.json")
    write_json(run / "vocabularies.json", {name: each[::-1] for name, each in found.items()})
    result = call(words[0], run, *words[1:])
    assert result.exit_code == 1, result.output
    assert "error[GS903]" in result.stderr
    assert "vocabularies.json cannot be read: it has changed since the run began" in result.stderr


@pytest.mark.parametrize("file", ["vocabularies.json", "adapted.json"])
def test_words_that_were_changed_are_not_trained_with(killed: Path, file: str) -> None:
    """What was learnt from the data before training is what it was, or the run is not resumed."""
    text = (killed / file).read_text(encoding="utf-8")
    (killed / file).write_text(text.replace('"p"', '"zz"').replace('"u"', '"zz"'), encoding="utf-8")
    result = call("train", "--resume", killed)
    assert result.exit_code == 1
    assert f"{file} cannot be read: it has changed since the run began" in result.stderr
    (killed / file).unlink()
    assert "GS903" in call("train", "--resume", killed).stderr

"""A training writes into its run and nowhere else, whatever the run and its files are called."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

import graphspec
from graphspec.runs.run import Run

from .small_runs import command, ends_well, refusal, written


def test_callbacks_write_into_the_run_by_default_too(
    shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`TensorBoard` without a path writes into the run, not into `logs` of the working directory."""
    monkeypatch.chdir(tmp_path)
    run = graphspec.train(shared / "small.yaml", run_dir=tmp_path / "new", overrides=["training.epochs=1"])
    assert list((run.path / "logs").rglob("events.out.tfevents.*"))
    assert {each.name for each in tmp_path.iterdir()} == {"new"}
    assert (run.path / "models" / "01.keras").is_file()


def test_braces_in_the_path_of_a_run_are_no_placeholders(tmp_path: Path) -> None:
    """Keras fills in what the spec writes in braces, not what the folder is called."""
    spec = written(tmp_path, '{ModelCheckpoint: "{epoch}.keras"}, {CSVLogger: log.csv}')
    run = graphspec.train(spec, run_dir=tmp_path / "{epoch} {x}" / "{run}", overrides=["training.epochs=1"])
    assert (run.path / "1.keras").is_file()
    assert {each.name for each in tmp_path.iterdir()} == {"{epoch} {x}", "small.yaml", "x.npy", "y.npy"}


def names(folder: Path) -> dict[str, Path]:
    """Paths at which nothing can be made, by what is wrong with them."""
    (folder / "file").write_text("mine", encoding="utf-8")
    (folder / "nowhere").symlink_to(folder / "missing" / "x")
    return {
        "long": folder / ("x" * 300),
        "long below": folder / "a" / ("x" * 300) / "b",
        "deep": folder.joinpath(*["x" * 200] * 22),
        "below a file": folder / "file" / "x",
        "below a device": Path("/dev/null/x"),
        "a link to nowhere": folder / "nowhere",
        "below a link": folder / "nowhere" / "x",
        "not UTF-8": folder / os.fsdecode(b"\xff\xfe"),
    }


ODD = [
    "long",
    "long below",
    "deep",
    "below a file",
    "below a device",
    "a link to nowhere",
    "below a link",
    "not UTF-8",
]


@pytest.mark.parametrize("kind", ODD)
def test_where_a_training_cannot_write_is_said_before_it_works(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No data is read and no model built for a run, a study or a comparison that could not be written."""
    pytest.importorskip("optuna")
    import graphspec.datasets.samples as samples

    def read(*_: object, **__: object) -> None:
        raise AssertionError("the data is read")

    spec, place = written(tmp_path / "spec"), names(tmp_path)[kind]
    with open(spec, "a", encoding="utf-8") as file:
        file.write("search: {trials: 1, parameters: {training.batch_size: [2, 4]}}\n")
    monkeypatch.setattr(samples, "read_training_data", read)
    before = sorted(map(str, tmp_path.iterdir()))
    assert ends_well(command("train", spec, "--run-dir", place))
    assert ends_well(command("tune", spec, "--study-dir", place))
    assert ends_well(command("verify-resume", spec, "--keep", place))
    for each in (place, tmp_path / "a\0b"):
        assert refusal(lambda each=each: graphspec.train(spec, run_dir=each)) == "GS904"  # type: ignore[misc]
    assert sorted(map(str, tmp_path.iterdir())) == before


@pytest.mark.parametrize("kind", ODD)
def test_where_a_file_cannot_be_written_is_said_before_it_is_made(
    shared: Path, tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No model is loaded for an export, predictions or a report that could not be written."""

    def load(*_: object, **__: object) -> None:
        raise AssertionError("the model is loaded")

    monkeypatch.setattr(Run, "model", load)
    place = names(tmp_path)[kind]
    before = sorted(map(str, tmp_path.iterdir()))
    assert ends_well(command("export", shared / "run", "--to", "saved-model", "-o", place))
    assert ends_well(command("report", shared / "run", "-o", place, "--force"))
    assert ends_well(command("schema", "-o", place))
    if kind == "a link to nowhere":
        place.rename(place.with_name("nowhere.csv"))
        place = place.with_name("nowhere")
        before = sorted(map(str, tmp_path.iterdir()))
    file = place.with_name(f"{place.name}.csv")
    assert ends_well(command("predict", shared / "run", "--split", "train", "-o", file, "--force"))
    assert sorted(map(str, tmp_path.iterdir())) == before


def test_what_is_there_already_is_no_place_for_a_run(tmp_path: Path) -> None:
    """A file, a device and a folder with something in it are refused, and stay."""
    spec = written(tmp_path / "spec")
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    for place in (tmp_path / "file", Path("/dev/null"), spec.parent):
        assert ends_well(command("train", spec, "--run-dir", place))
    assert (tmp_path / "file").read_text(encoding="utf-8") == "mine"
    assert ends_well(command("report", tmp_path / "spec", "-o", "/dev/null", "--force"))


@pytest.mark.parametrize("name", ["a\nb", "--é'\"$(x) {epoch}*"])
def test_odd_folders_are_the_choice_of_the_user(tmp_path: Path, name: str) -> None:
    """A run directory may be called anything that its file system holds."""
    spec = written(tmp_path / "spec", '{ModelCheckpoint: "{epoch}.keras"}')
    run = graphspec.train(spec, run_dir=tmp_path / name, overrides=["training.epochs=1"])
    assert (tmp_path / name / "1.keras").is_file()
    assert run.record["status"] == "finished"


@pytest.mark.parametrize("name", ["../../x", "..", "/etc/x", "a/b", "a\\b", ".", "", "x\n", "~", "C:x", "ä"])
def test_the_name_of_a_spec_leads_nowhere(tmp_path: Path, name: str) -> None:
    """A name is letters, digits, `_` and `-`: neither the spec nor an override takes a run out of `runs`."""
    spec = written(tmp_path)
    spec.write_text(
        spec.read_text(encoding="utf-8").replace("name: small", f"name: {json.dumps(name)}"), encoding="utf-8"
    )
    assert any(finding.is_error for finding in graphspec.validate(spec))
    plain = written(tmp_path)
    assert any(finding.is_error for finding in graphspec.validate(plain, [f"name={json.dumps(name)}"]))


@pytest.mark.parametrize("stem", ["..", "...", "a b", "a\nb", "-x", "ä", "$HOME", "a'b", "a\x1bb"])
def test_the_name_of_a_file_leads_nowhere(tmp_path: Path, stem: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A spec without a name is called by its file, in letters that lead nowhere else."""
    spec = written(tmp_path, name=f"{stem}.yaml")
    spec.write_text(spec.read_text(encoding="utf-8").replace("name: small\n", ""), encoding="utf-8")
    assert graphspec.load(spec).name.replace("_", "").replace("-", "").isalnum() or set(graphspec.load(spec).name) <= {
        "_",
        "-",
    }


def test_included_files_are_copied_into_the_run_whatever_they_are_called(tmp_path: Path) -> None:
    """Copies have short plain names, two of one name are two, and the run is read from them."""
    spec = written(tmp_path)
    long, odd = "x" * 250, "a\nb 'c'"
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        for name in (long, odd):
            text = f"graphspec: 1\nlayers: {{{folder}_{'long' if name == long else 'odd'}: {{Dense: 1}}}}\n"
            (tmp_path / folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    includes = json.dumps([f"{folder}/{name}.yaml" for folder in ("one", "two") for name in (long, odd)])
    spec.write_text(spec.read_text(encoding="utf-8") + f"include: {includes}\n", encoding="utf-8")
    run = graphspec.train(spec, run_dir=tmp_path / "run", overrides=["training.epochs=1"])
    copies = [each.name for each in (run.path / "included").iterdir()]
    assert len(copies) == 4
    assert all(len(name) < 100 and name.isprintable() for name in copies)
    assert run.spec.name == "small"

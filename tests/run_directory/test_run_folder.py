"""A training writes into its run and nowhere else: through no link, into no other folder, and where it can at all."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket as unix_socket
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import keras
import numpy as np
import pytest
from click.testing import CliRunner, Result

import graphspec
from graphspec.cli.main import main
from graphspec.diagnostics import SpecError
from graphspec.run_directory import LogFile, WatchedFolder
from graphspec.runs.run import Run
from graphspec.training.callback_state import restore_callback
from graphspec.training.checkpoint_file import CheckpointContents, read_checkpoint, write_checkpoint

SPEC = """
graphspec: 1
name: small
inputs: {x: [2]}
outputs: {y: {from: x, apply: {Dense: 1}, loss: mse}}
training:
  optimizer: sgd
  epochs: 3
  batch_size: 4
  callbacks: [%s]
data: {train: {inputs: {x: x.npy}, outputs: {y: y.npy}}, validation: {split: 0.25}}
"""

CALLBACKS = '{CSVLogger: kept/log.csv}, {ModelCheckpoint: "models/{epoch:02d}.keras"}, TensorBoard'


def written(folder: Path, callbacks: str = "", name: str = "small.yaml") -> Path:
    """A spec with these callbacks, and its data beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "x.npy", np.arange(16, dtype="float32").reshape(8, 2) / 16)
    np.save(folder / "y.npy", np.arange(8, dtype="float32") / 8)
    (folder / name).write_text(SPEC % callbacks, encoding="utf-8")
    return folder / name


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a spec and a run of it that has one epoch to go, for tests that copy or read it."""
    folder = tmp_path_factory.mktemp("shared")
    run = graphspec.train(written(folder, CALLBACKS), run_dir=folder / "run", overrides=["training.epochs=1"])
    assert run.record["status"] == "finished"
    return folder


@pytest.fixture
def run(shared: Path, tmp_path: Path) -> Path:
    """A copy of that run, with its data."""
    shutil.copytree(shared, tmp_path / "copy")
    return tmp_path / "copy" / "run"


@pytest.fixture
def victim(tmp_path: Path) -> Iterator[Path]:
    """A file and a folder of somebody else, which nothing may change."""
    path = tmp_path / "victim"
    path.mkdir()
    (path / "file.txt").write_text("mine", encoding="utf-8")
    yield path
    assert [each.name for each in path.iterdir()] == ["file.txt"]
    assert (path / "file.txt").read_text(encoding="utf-8") == "mine"


def refusal(do: Callable[[], object]) -> str:
    """The code of the one finding that `do` ends with."""
    with pytest.raises(SpecError) as refused:
        do()
    (found,) = refused.value.report
    return found.rule.code


def snapshot(folder: Path) -> dict[str, int]:
    """Every file below a folder, with its time."""
    return {str(each.relative_to(folder)): each.stat().st_mtime_ns for each in folder.rglob("*") if each.is_file()}


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


LINKED = [
    *("log.txt", ".held", "run.json", "lock.json", "metrics.jsonl", "metrics.csv", "provenance.json", "model.keras"),
    *("kept/log.csv", "models/01.keras", "models/02.keras"),
]


@pytest.mark.parametrize("name", LINKED)
def test_no_file_of_a_run_is_written_through_a_link(run: Path, victim: Path, name: str) -> None:
    """A run that is resumed, and holds a link where something is written, is refused before anything is."""
    place = run / name
    if place.exists():
        content = place.read_bytes()
        place.unlink()
        (run.parent / "elsewhere").write_bytes(content)
    place.symlink_to(victim / "file.txt")
    assert refusal(lambda: graphspec.resume(run, epochs=2)) in ("GS514", "GS903")


@pytest.mark.parametrize("name", ["checkpoints", "kept", "models", "logs", "logs/train", "included", "mlflow"])
def test_no_folder_of_a_run_leads_elsewhere(run: Path, victim: Path, name: str) -> None:
    """A link in the place of a folder is refused, that of graphspec's own as that of a callback."""
    if (run / name).exists():
        shutil.move(run / name, run.parent / "moved")
    (run / name).symlink_to(victim)
    assert refusal(lambda: graphspec.resume(run, epochs=2)) in ("GS514", "GS903")


@pytest.mark.parametrize("name", ["kept/log.csv", "log.txt", "models/02.keras"])
def test_no_file_with_a_second_name_is_written(run: Path, victim: Path, name: str) -> None:
    """A hard link to a file elsewhere is refused: writing it would change that file."""
    (run / name).unlink(missing_ok=True)
    os.link(victim / "file.txt", run / name)
    assert refusal(lambda: graphspec.resume(run, epochs=2)) in ("GS514", "GS903")


def test_no_export_leaves_the_run_by_a_link(run: Path, victim: Path) -> None:
    """Where nobody says where an export goes, it goes into the run, and not where a link in it leads."""
    (run / "export").symlink_to(victim)
    assert ends_well(command("export", run, "--to", "keras"))
    (run / "report.html").symlink_to(victim / "file.txt")
    assert ends_well(command("report", run))


def test_no_pipe_is_written(run: Path) -> None:
    """A pipe where a callback writes is refused, and does not hang."""
    (run / "kept" / "log.csv").unlink()
    os.mkfifo(run / "kept" / "log.csv")
    assert refusal(lambda: graphspec.resume(run, epochs=2)) == "GS514"


def test_a_spec_of_a_run_that_was_changed_is_held_to_the_same(run: Path, victim: Path) -> None:
    """Paths in the `spec.yaml` of a run are checked when it is resumed."""
    text = (run / "spec.yaml").read_text(encoding="utf-8")
    assert "kept/log.csv" in text
    (run / "spec.yaml").write_text(text.replace("kept/log.csv", str(victim / "file.txt")), encoding="utf-8")
    assert refusal(lambda: graphspec.resume(run, epochs=2)) in ("GS514", "GS903")


def test_no_checkpoint_says_where_callbacks_write(run: Path, victim: Path) -> None:
    """What a checkpoint holds of a callback is its counts and values, never its paths."""
    (path,) = (run / "checkpoints").glob("step_*2.npz")
    contents = read_checkpoint(path)
    for told in contents.state["told"]:
        told |= dict.fromkeys(("filepath", "filename", "log_dir", "_train_dir", "_val_dir"), str(victim / "file.txt"))
    write_checkpoint(path, CheckpointContents(contents.state, contents.arrays))
    graphspec.resume(run, epochs=2)
    assert (run / "models" / "02.keras").is_file()


def test_paths_in_a_state_are_passed_over(tmp_path: Path) -> None:
    """Whatever a state tells, a callback writes where it was made to."""
    callback = keras.callbacks.CSVLogger(str(tmp_path / "log.csv"))
    restore_callback(callback, {"filename": "/etc/motd", "keys": ["loss"], "bytes": 5}, {})
    assert callback.filename == str(tmp_path / "log.csv")
    assert callback.keys == ["loss"]


def gone(run: Path) -> None:
    shutil.rmtree(run)


def moved(run: Path) -> None:
    run.rename(run.with_name("moved"))


def replaced(run: Path) -> None:
    """Another run in its place, with every file that a run has."""
    moved(run)
    shutil.copytree(run.with_name("moved"), run)


def without(name: str) -> Callable[[Path], None]:
    def remove(run: Path) -> None:
        path = run / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()

    return remove


def other_checkpoints(run: Path) -> None:
    (run / "checkpoints").rename(run / "old")
    shutil.copytree(run / "old", run / "checkpoints")


def file_in_its_place(run: Path) -> None:
    moved(run)
    run.write_text("mine", encoding="utf-8")


CHANGES = {
    "gone": gone,
    "replaced": replaced,
    "a file": file_in_its_place,
    "checkpoints": without("checkpoints"),
    "metrics": without("metrics.csv"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_run_that_is_removed_meanwhile_is_not_made_again(tmp_path: Path, change: Callable[[Path], None]) -> None:
    """Where a run or a part of it is removed or replaced while it is trained, the training ends with GS904.

    Nothing is made again, and nothing is written into what lies in its place.
    """
    spec = written(tmp_path / "spec", '{CSVLogger: kept/log.csv}, {ModelCheckpoint: "models/{epoch:02d}.keras"}')
    place = tmp_path / "runs" / "one"
    after: list[dict[str, int]] = []

    def on_epoch(row: dict[str, object]) -> bool:
        if row["epoch"] == 1:
            change(place)
            after.append(snapshot(tmp_path / "runs"))
        return True

    assert refusal(lambda: graphspec.train(spec, run_dir=place, on_epoch=on_epoch)) == "GS904"
    assert snapshot(tmp_path / "runs") == after[0]


PARTS = ("run.json", "lock.json", "spec.yaml", "provenance.json", "metrics.jsonl", "metrics.csv", "log.txt", ".held")


@pytest.mark.parametrize("change", [gone, moved, replaced, other_checkpoints, *map(without, (*PARTS, "checkpoints"))])
def test_every_change_of_a_run_is_noticed(run: Path, change: Callable[[Path], None]) -> None:
    """The run, its checkpoints and each of its files are missed when they are removed, moved or replaced."""
    watched = WatchedFolder(run)
    watched.check()
    for name in PARTS:  # a file is replaced whenever it is written
        shutil.copy2(run / name, run / "copy")
        (run / "copy").replace(run / name)
    (run / "model.keras").unlink()
    watched.check()
    assert not watched.is_lost
    change(run)
    assert watched.is_lost
    assert refusal(watched.check) == "GS904"


@pytest.mark.parametrize("change", [gone, replaced], ids=["gone", "replaced"])
def test_a_study_that_is_removed_meanwhile_is_not_made_again(
    tmp_path: Path, change: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As for a run: the study ends with GS904, and its folder stays as it was left."""
    pytest.importorskip("optuna")
    from graphspec.training.recorder import Recorder
    from graphspec.tuning import tune

    spec = written(tmp_path / "spec")
    with open(spec, "a", encoding="utf-8") as file:
        file.write("search: {trials: 3, parameters: {training.batch_size: [2, 4, 8]}}\n")
    study = tmp_path / "studies" / "one"
    after: list[dict[str, int]] = []
    finish = Recorder.finish

    def finish_and_change(self: Recorder, status: str) -> None:
        finish(self, status)
        if not after:
            change(study)
            after.append(snapshot(tmp_path / "studies"))

    monkeypatch.setattr(Recorder, "finish", finish_and_change)
    assert refusal(lambda: tune(spec, study_dir=study)) == "GS904"
    assert after
    assert snapshot(tmp_path / "studies") == after[0]


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


def ends_well(result: Result) -> bool:
    """Whether a command has ended with a finding and without a traceback."""
    assert result.exit_code == 1, result.output
    assert "Traceback" not in result.output
    return "GS904" in result.output or "GS903" in result.output


def command(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(each) for each in arguments])


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


def pipe(path: Path) -> None:
    os.mkfifo(path)


def socket(path: Path) -> None:
    with unix_socket.socket(unix_socket.AF_UNIX) as bound, contextlib.chdir(path.parent):  # its path must be short
        bound.bind(path.name)


def device(path: Path) -> None:
    try:
        os.mknod(path, stat.S_IFCHR | 0o600, os.makedev(1, 5))
    except PermissionError:
        pytest.skip("only root makes devices")


IN_ITS_PLACE: dict[str, Callable[[Path], None]] = {
    "a pipe": pipe,
    "a socket": socket,
    "a device": device,
    "a folder": lambda path: (path / "inner").mkdir(parents=True),
    "a link": lambda path: path.symlink_to("nowhere"),
}


@pytest.mark.parametrize("kind", IN_ITS_PLACE)
@pytest.mark.parametrize("name", [*PARTS, "checkpoints"])
def test_what_takes_the_place_of_a_file_meanwhile_is_not_waited_for(run: Path, name: str, kind: str) -> None:
    """A pipe, a device, a folder, ... in the place of a file of the run is noticed before anything is written."""
    watched = WatchedFolder(run)
    watched.check()
    place = run / name
    shutil.rmtree(place) if place.is_dir() else place.unlink()
    IN_ITS_PLACE[kind](place)
    if kind != "a folder" or name != "checkpoints":
        assert refusal(watched.check) == "GS904"
    if kind != "a link":
        assert refusal(lambda: LogFile(place)) == "GS904"


@pytest.mark.parametrize("kind", IN_ITS_PLACE)
def test_log_that_was_replaced_is_not_written(run: Path, kind: str) -> None:
    """A line that is to be added ends in GS904, at once."""
    log = LogFile(run / "log.txt")
    (run / "log.txt").unlink()
    IN_ITS_PLACE[kind](run / "log.txt")
    assert refusal(lambda: log.add("a line")) == "GS904"


@pytest.mark.parametrize(
    ("callbacks", "name", "code"),
    [
        ("", "log.txt", "GS904"),
        ("", "metrics.jsonl", "GS904"),
        ("", "checkpoints/best.npz", ""),
        ("", "model.keras", ""),
        ("{ModelCheckpoint: one.keras}", "one.keras", "GS514"),
        ('{ModelCheckpoint: "{epoch:02d}.keras"}', "03.keras", "GS514"),
        ('{ModelCheckpoint: "deep/{epoch:02d}.keras"}', "deep/03.keras", "GS514"),
        ('{ModelCheckpoint: {filepath: "b{batch}.keras", save_freq: 1}}', "b0.keras", "GS514"),
    ],
)
def test_pipe_that_is_put_there_meanwhile_ends_the_training(
    tmp_path: Path, callbacks: str, name: str, code: str
) -> None:
    """A training that is to write into a pipe ends with a finding, or replaces it: it never waits."""
    spec = written(tmp_path / "spec", callbacks)
    place = tmp_path / "runs" / "one"

    def on_epoch(row: dict[str, object]) -> bool:
        if row["epoch"] == 1:
            (place / name).unlink(missing_ok=True)
            os.mkfifo(place / name)
        return True

    def train() -> None:
        graphspec.train(spec, run_dir=place, on_epoch=on_epoch)

    if code:
        assert refusal(train) == code
    else:
        train()
        assert Run(place).record["status"] == "finished"


@pytest.mark.parametrize("name", ["02.keras", "-1e+05.keras"])
def test_no_file_that_a_number_names_leads_elsewhere(tmp_path: Path, victim: Path, name: str) -> None:
    """A link at any path that a placeholder may come to, in the run itself too, is refused when it is resumed."""
    spec = written(tmp_path / "spec", '{ModelCheckpoint: "{epoch:02d}.keras"}')
    place = graphspec.train(spec, run_dir=tmp_path / "run", overrides=["training.epochs=1"]).path
    (place / name).symlink_to(victim / "file.txt")
    assert refusal(lambda: graphspec.resume(place, epochs=2)) == "GS514"

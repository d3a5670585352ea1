"""`--storage`: what it may be, what it refuses, and that no password gets out."""

from __future__ import annotations

import json
import os
import socket
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import optuna
import pytest

import graphspec
from graphspec.diagnostics import SpecError
from graphspec.run_directory.lock import command, without_passwords
from graphspec.tuning import Study
from graphspec.tuning.journal import open_journal
from graphspec.tuning.leases import study_name
from graphspec.tuning.storage import Storage

from .postgres import PASSWORD, Server
from .searches import call, write_spec

ONE = ("--trials", 1, "--set", "training.epochs=1")


@pytest.mark.parametrize(
    ("storage", "said"),
    [
        ("jornal", "it is no URL"),
        ("journal:", "it names no file"),
        ("journal:/nowhere/at/all.journal", "there is no folder /nowhere/at"),
        ("journal:/dev/null", "it is not a regular file"),
        ("journal:\0", "no file can have this name"),
        ("://", "it is no URL"),
        ("sqlite:///some.db", "leave --storage out"),
        ("redis://localhost", "a study cannot be kept in `redis`"),
        ("postgresql://me:secret@localhost", "it names no database"),
        ("oracle://me:secret@localhost/db", "a study cannot be kept in `oracle`"),
        ("postgresql+nodriver://me:secret@localhost/db", "pip install"),
        ("mysql+pymysql://me:secret@localhost/db", "pip install 'pymysql'"),
        ("postgresql://me:secret@localhost:port/db", "it is no URL"),
        ("x" * 5000, "it is no URL"),
    ],
)
def test_storage_that_is_none_is_refused_at_once(spec: Path, tmp_path: Path, storage: str, said: str) -> None:
    """A mistake in `--storage` is a finding with what may stand there, before anything is written."""
    result = call("tune", spec, "--storage", storage, "--study-dir", tmp_path / "study")
    assert result.exit_code == 1, result.output
    assert said in result.stderr
    assert "error[GS9" in result.stderr
    assert "secret" not in result.stderr
    assert "Traceback" not in result.stderr
    assert len(result.stderr) < 1500
    assert not (tmp_path / "study").exists()


@pytest.mark.parametrize(
    ("scheme", "driver", "package"),
    [("postgresql", "psycopg", "graphspec[postgresql]"), ("postgresql+psycopg2", "psycopg2", "psycopg2-binary")],
)
def test_missing_driver_is_one_line_to_run(
    spec: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scheme: str, driver: str, package: str
) -> None:
    """Without the driver of a database the command says what to install."""
    monkeypatch.setitem(sys.modules, driver, None)
    result = call("tune", spec, "--storage", f"{scheme}://me:secret@localhost/db", "--study-dir", tmp_path / "study")
    assert result.exit_code == 1, result.output
    assert "error[GS901]" in result.stderr
    assert f"run: pip install '{package}'" in result.stderr
    assert "secret" not in result.stderr
    assert not (tmp_path / "study").exists()


def test_server_that_is_away_is_told_of(spec: Path, tmp_path: Path) -> None:
    """The command tells that nothing listens, and how to resume; no password is shown, and no folder is left behind."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"postgresql://me:secret@127.0.0.1:{port}/studies"
    result = call("tune", spec, "--storage", url, "--study-dir", tmp_path / "study")
    assert result.exit_code == 1
    assert f"error[GS918] bad-storage: postgresql+psycopg://me@127.0.0.1:{port}/studies" in result.stderr
    assert "refused" in result.stderr
    assert "secret" not in result.stderr
    assert not (tmp_path / "study").exists()


def test_wrong_password_and_database_are_told_of(spec: Path, tmp_path: Path, postgres: Server) -> None:
    """The message of the server is shown, without the password that was tried."""
    wrong = postgres.open_url.replace("me@", "me:guessed@")
    result = call("tune", spec, "--storage", wrong, "--study-dir", tmp_path / "study")
    assert (result.exit_code, "password authentication failed" in result.stderr) == (1, True), result.output
    assert "guessed" not in result.stderr
    gone = call(
        "tune", spec, "--storage", postgres.url.replace("/postgres", "/gone"), "--study-dir", tmp_path / "study"
    )
    assert (gone.exit_code, 'database "gone" does not exist' in gone.stderr) == (1, True), gone.output
    assert not (tmp_path / "study").exists()


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished study with a journal outside of it."""
    folder = tmp_path_factory.mktemp("journal")
    words = ("--storage", f"journal:{folder / 'one.journal'}", "--study-dir", folder / "study", "--study-name", "one")
    done = call("tune", write_spec(folder), *words, *ONE)
    assert done.exit_code == 0, done.output
    assert "importance" not in done.output  # one trial tells of none
    assert "Warning" not in done.output
    return folder


@pytest.fixture
def kept(journal: Path) -> Iterator[Path]:
    """The journal, which is as it was after the test."""
    path = journal / "one.journal"
    before, mode = path.read_bytes(), stat.S_IMODE(path.stat().st_mode)
    yield path
    path.unlink(missing_ok=True)
    path.write_bytes(before)
    path.chmod(mode)


def test_study_is_joined_by_its_name(journal: Path) -> None:
    """The same command again finds the study; another name begins another one in the same file."""
    storage = f"journal:{journal / 'one.journal'}"
    words = ("--storage", storage, *ONE)
    again = call("tune", journal / "spec.yaml", *words, "--study-name", "one", "--study-dir", journal / "again")
    assert again.exit_code == 0, again.output
    assert "joins a study of 1 trials" in again.stderr
    assert [trial.value for trial in Study(journal / "again", storage).trials] == [
        Study(journal / "study", storage).best.value
    ]
    assert not (journal / "again" / "trials").exists()
    assert (journal / "again" / "best.yaml").read_text() == (journal / "study" / "best.yaml").read_text()
    assert f"trials/0000 on {Study(journal / 'again', storage).best.host}" in again.stdout
    with pytest.raises(SpecError, match="the run of the best trial, 0, is on"):
        _ = Study(journal / "again", storage).best_run
    other = call("tune", journal / "spec.yaml", *words, "--study-name", "two", "--study-dir", journal / "two")
    assert other.exit_code == 0, other.output
    assert (journal / "two" / "trials" / "0000").is_dir()
    backend = open_journal(journal / "one.journal")
    names = optuna.get_all_study_names(backend)
    assert sorted(names) == sorted([name for each in ("one", "two") for name in (each, study_name(each))])


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (("training.epochs=2",), "differs from this one in `training`"),
        (("vars.hidden=12",), "`vars`"),
        (("search.sampler=RandomSampler",), "`search`"),
        (("search.monitor=loss",), "the monitored metric (val_loss (minimize), here loss (minimize))"),
        (("data.validation.split=0.5",), "the number of training samples (48, here 32)"),
    ],
)
def test_study_of_another_spec_is_refused(journal: Path, changes: tuple[str, ...], said: str) -> None:
    """Whoever would join with another spec or other data is told in what they differ, and leaves nothing behind."""
    before = (journal / "one.journal").read_bytes()
    words = [word for change in changes for word in ("--set", change)]
    storage = ("--storage", f"journal:{journal / 'one.journal'}", "--study-name", "one")
    result = call("tune", journal / "spec.yaml", *storage, *ONE, *words, "--study-dir", journal / "other")
    assert result.exit_code == 1, result.output
    assert "error[GS919]" in result.stderr
    assert said in result.stderr
    assert not (journal / "other").exists()
    assert (journal / "one.journal").read_bytes() == before


@pytest.mark.slow
def test_study_of_other_data_is_refused(journal: Path, kept: Path, tmp_path: Path) -> None:
    """Data of the same size with other content is noticed, by its file, when a study is joined and when it resumes."""
    x = np.random.default_rng(1).random((64, 2), "float32")
    path = write_spec(tmp_path)
    np.savez(tmp_path / "d.npz", x=x, y=x.sum(1, keepdims=True))
    words = ("--storage", f"journal:{kept}", "--study-name", "one", "--study-dir", tmp_path / "study")
    joined = call("tune", path, *words, *ONE)
    assert (joined.exit_code, "error[GS919]" in joined.stderr) == (1, True), joined.output
    assert "differs from this one in the data file `d.npz`\n" in joined.stderr
    assert not (tmp_path / "study").exists()
    study = tmp_path / "begun"
    assert call("tune", path, *ONE, "--study-dir", study).exit_code == 0
    write_spec(tmp_path)
    assert call("tune", "--resume", study, "--quiet").exit_code == 0  # no trial is left, so no data is read
    resumed = call("tune", "--resume", study, "--trials", 2)
    assert (resumed.exit_code, "error[GS919]" in resumed.stderr) == (1, True), resumed.output
    assert "the data is not what the study was begun with: the data file `d.npz`\n" in resumed.stderr
    assert not (study / "trials" / "0001").exists()
    np.savez(tmp_path / "d.npz", x=x, y=x.sum(1, keepdims=True))
    assert call("tune", "--resume", study, "--quiet").exit_code == 0
    assert [trial.state for trial in Study(study).trials] == ["complete"] * 2


def test_study_from_other_weights_is_refused(tmp_path: Path) -> None:
    """Other content of a file of weights is noticed when a study is joined and when it resumes, as that of data is."""
    path, weights = write_spec(tmp_path), tmp_path / "start.weights.h5"
    model = graphspec.build(path)
    model.save_weights(weights)
    rates = "{training.optimizer.Adam.learning_rate: {float: {low: 0.001, high: 0.1}}}"
    sets = ("--set", f"search.parameters={rates}", "--set", "training.initial_weights=start.weights.h5")
    words = ("--storage", f"journal:{tmp_path / 'one.journal'}", *sets, *ONE)
    begun = call("tune", path, *words, "--study-dir", tmp_path / "begun")
    assert begun.exit_code == 0, begun.output
    model.set_weights([each + 1 for each in model.get_weights()])
    model.save_weights(weights)
    joined = call("tune", path, *words, "--study-dir", tmp_path / "joined")
    assert (joined.exit_code, "error[GS919]" in joined.stderr) == (1, True), joined.output
    assert "differs from this one in the file of weights `start.weights.h5`\n" in joined.stderr
    assert not (tmp_path / "joined").exists()
    again = ("--resume", tmp_path / "begun", "--storage", f"journal:{tmp_path / 'one.journal'}", "--trials", 2)
    resumed = call("tune", *again)
    assert (resumed.exit_code, "error[GS919]" in resumed.stderr) == (1, True), resumed.output
    assert (
        "weights are not those that the study was begun with: the file of weights `start.weights.h5`" in resumed.stderr
    )


def test_study_of_somebody_else_is_refused(spec: Path, tmp_path: Path) -> None:
    """A study that optuna alone has made is not written into."""
    path = tmp_path / "foreign.journal"
    backend = open_journal(path)
    optuna.create_study(study_name="spec", storage=backend).optimize(lambda trial: 1.0, n_trials=1)
    result = call("tune", spec, "--storage", f"journal:{path}", *ONE, "--study-dir", tmp_path / "study")
    assert result.exit_code == 1
    assert "which graphspec did not begin" in result.stderr
    assert len(optuna.load_study(study_name="spec", storage=backend).trials) == 1


@pytest.mark.parametrize("damage", ["gone", "folder", "pipe", "text", "list", "operation", "empty", "cut"])
def test_damaged_journal_is_a_finding(journal: Path, kept: Path, damage: str) -> None:
    """Whatever stands in the journal, or does not, is told with its line; nothing is trained."""
    data = kept.read_bytes()
    kept.unlink()
    if damage == "folder":
        kept.mkdir()
    elif damage == "pipe":
        os.mkfifo(kept)
    elif damage != "gone":
        before = {"text": b"no record\n", "list": b"[1, 2]\n", "operation": b'{"op_code": 99}\n'}
        after = {"empty": b"", "cut": data.replace(b'"', b"", 1)}
        kept.write_bytes(after[damage] if damage in after else before[damage] + data)
    result = call("tune", "--resume", journal / "study", "--storage", f"journal:{kept}", "--trials", 2)
    if damage == "folder":
        kept.rmdir()
    assert result.exit_code == 1, result.output
    assert "error[GS918]" in result.stderr, result.stderr
    assert "Traceback" not in result.stderr
    lines = {"text": 1, "list": 1, "cut": 1}
    if damage in lines:
        assert f"line {lines[damage]} is damaged" in result.stderr
    assert not (journal / "study" / "trials" / "0001").exists()


def test_line_that_was_not_written_to_its_end_is_removed(journal: Path, kept: Path) -> None:
    """A machine that fails in the middle of a line takes nothing else with it: nobody was told that it was written."""
    data = kept.read_bytes()
    kept.write_bytes(data + b'{"op_code": 4, "work')
    result = call("tune", "--resume", journal / "study", "--storage", f"journal:{kept}", "--quiet")
    assert result.exit_code == 0, result.output
    assert kept.read_bytes() == data


@pytest.mark.parametrize("text", ["a note of mine", "a note of mine\nand more", '{"op_code": 1'])
def test_file_of_something_else_stays_as_it_is(spec: Path, tmp_path: Path, text: str) -> None:
    """A journal is never made of a file that is none."""
    path = tmp_path / "notes.txt"
    path.write_text(text)
    result = call("tune", spec, "--storage", f"journal:{path}", *ONE, "--study-dir", tmp_path / "study")
    assert (result.exit_code, "error[GS918]" in result.stderr) == (1, True), result.output
    assert path.read_text() == text
    assert not (tmp_path / "study").exists()


def test_storage_outside_is_named_again(journal: Path, spec: Path, tmp_path: Path) -> None:
    """A study folder may be of somebody else, so what it names outside of it is neither opened nor made unasked."""
    study, path = journal / "study", journal / "one.journal"
    record = json.loads((study / "study.json").read_text())
    assert record["storage"] == f"journal:{path}"
    refused = call("tune", "--resume", study)
    assert (refused.exit_code, "error[GS918]" in refused.stderr) == (1, True), refused.output
    assert f"graphspec tune --resume {study} --storage journal:{path}" in refused.stderr
    with pytest.raises(SpecError, match="is kept in journal:"):
        _ = Study(study).trials
    done = call("tune", "--resume", study, "--storage", f"journal:{path}", "--quiet")
    assert (done.exit_code, done.stdout) == (0, f"{study}\n"), done.output
    gone = call("tune", "--resume", study, "--storage", f"journal:{journal / 'empty.journal'}")
    assert (gone.exit_code, "it is missing" in gone.stderr) == (1, True), gone.output
    assert not (journal / "empty.journal").exists()
    plain = call("tune", spec, *ONE, "--study-dir", tmp_path / "plain", "--quiet")
    assert plain.exit_code == 0
    moved = call("tune", "--resume", tmp_path / "plain", "--storage", f"journal:{path}")
    assert (moved.exit_code, "is kept in its own folder" in moved.stderr) == (1, True), moved.output


def test_options_that_exclude_each_other(spec: Path, tmp_path: Path) -> None:
    """A name needs a storage, and a study that is resumed has both already."""
    assert call("tune", spec, "--study-name", "one").exit_code == 2
    assert call("tune", "--resume", tmp_path, "--study-name", "one", "--storage", "journal").exit_code == 2
    with pytest.raises(ValueError, match="under its own name"):
        graphspec.tune(Study(tmp_path), study_name="one")


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:secret@host/db",
        "--storage=postgresql://me:secret@host/db",
        "mysql+pymysql://me:se:cr@et/secret@host:3306/db?charset=utf8",
        "postgresql://host/db?user=me&password=secret",
        "postgresql://me@host/db?sslpassword=secret&sslmode=require",
    ],
)
def test_passwords_are_left_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, url: str) -> None:
    """Neither the command that a run keeps nor the storage that a study keeps holds a password, wherever it stood."""
    monkeypatch.setattr("sys.argv", ["graphspec", "tune", "spec.yaml", url])
    assert "secret" not in " ".join(command())
    assert "se:cr" not in " ".join(command())
    assert without_passwords(url).rpartition("/")[2].startswith("db")
    if "=postgres" not in url and "se:cr" not in url:
        storage = Storage.of(tmp_path, url)
        assert "secret" not in storage.recorded + str(storage) + repr(storage)


@pytest.mark.slow
def test_password_of_a_server_stays_in_memory(spec: Path, tmp_path: Path, postgres: Server) -> None:
    """A whole search leaves it in none of its files."""
    words = ("--study-dir", tmp_path / "study", "--storage", postgres.url, "--study-name", tmp_path.name)
    done = call("tune", spec, *words, *ONE)
    assert done.exit_code == 0, done.output
    texts = [path.read_text(errors="replace") for path in tmp_path.rglob("*") if path.is_file()]
    assert all(word not in text for text in (done.output, *texts) for word in (PASSWORD, "se%3Acr"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_read_only_folder_is_told_of(journal: Path, kept: Path) -> None:
    """A worker locks the journal by a file beside it, so its folder must be writable."""
    journal.chmod(0o500)
    try:
        result = call("tune", "--resume", journal / "study", "--storage", f"journal:{kept}", "--trials", 2)
    finally:
        journal.chmod(0o700)
    assert (result.exit_code, "read-only" in result.stderr) == (1, True), result.output

"""Several processes and machines on one study: each trial is trained by one of them, whatever happens to the others."""

from __future__ import annotations

import csv
import json
import re
import shutil
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

import graphspec
from graphspec.run_directory import read_rows
from graphspec.tuning import Study

from ..forked import Forked
from .postgres import PASSWORD, QUOTED, Server
from .searches import call, optuna_study, pausing, write_spec

Start = Callable[..., Forked]

QUICK = ("--set", "training.epochs=2", "--set", "search.pruner=null")
FOUR = ("--set", "training.epochs=4", "--set", "search.pruner=null")


def await_file(pattern: str, folder: Path, *processes: Forked) -> None:
    """Until there is a file, or a process has ended."""
    deadline = time.monotonic() + 300
    while not list(folder.glob(pattern)):
        assert time.monotonic() < deadline, pattern
        assert all(each.poll() is None for each in processes), [each.communicate() for each in processes]
        time.sleep(0.02)


def ended(*processes: Forked) -> list[str]:
    """Return the output of each of the processes, after it has ended well."""
    outputs = [each.communicate(timeout=300)[1] for each in processes]
    assert [each.returncode for each in processes] == [0] * len(processes), outputs
    return outputs


def said_of(text: str) -> list[int]:
    """The trials whose end a process has told of."""
    return [int(number) for number in re.findall(r"^trial (\d+) \(\d+ of \d+\): ", text, re.MULTILINE)]


def check_whole(study: Path, count: int, storage: str) -> None:
    """Database, folder, table and log of a study must tell of the same trials, each once."""
    trials = Study(study).trials
    assert [trial.number for trial in trials] == list(range(count))
    assert {trial.state for trial in trials} == {"complete"}
    with optuna_study(storage) as found:
        begun = [each for each in found.get_trials() if "run" in each.user_attrs]
    assert sorted(each.user_attrs["run"] for each in begun) == [f"{number:04}" for number in range(count)]
    assert {int(each.user_attrs["run"]): each.value for each in begun} == {each.number: each.value for each in trials}
    with open(study / "trials.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(int(row["number"]), float(row["val_loss"])) for row in rows] == [
        (each.number, each.value) for each in trials
    ]
    assert json.loads((study / "study.json").read_text())["status"] == "finished"
    assert Study(study).best.value == min(each.value for each in trials if each.value is not None)
    assert list((study / "workers").iterdir()) == []


def check_metrics(run: Path, folder: Path) -> None:
    """A run must have the metrics of one that nothing has interrupted."""
    other = graphspec.train(run / "spec.yaml", run_dir=folder)
    rows = [
        [{key: row[key] for key in row if not key.startswith("time/")} for row in read_rows(each)]
        for each in (run, other.path)
    ]
    assert rows[0] == rows[1]


@pytest.mark.slow
def test_three_processes_share_a_study(process: Start, spec: Path) -> None:
    """Each trial is trained once, by any of them; all say the same of the end, and the log has a line a trial."""
    study, count = spec.parent / "study", 8
    first = process(spec, "--study-dir", study, "--trials", count, *QUICK)
    await_file("study/study.db", spec.parent, first)
    others = [process("--resume", study, "--trials", count) for _ in range(2)]
    said = ended(first, *others)
    check_whole(study, count, f"sqlite:///{study / 'study.db'}")
    told = [said_of(text) for text in said]
    assert sorted(number for numbers in told for number in numbers) == list(range(count))
    assert sum(bool(numbers) for numbers in told) >= 2
    log = (study / "log.txt").read_text()
    assert sorted(map(int, re.findall(r"  trial (\d+) \(\d+ of \d+\): val_loss", log))) == list(range(count))
    for trial in Study(study).trials:
        assert read_rows(trial.run)[trial.epoch or 0]["val_loss"] == trial.value


@pytest.mark.slow
def test_dead_process_leaves_its_trial_to_others(process: Start, spec: Path, tmp_path: Path) -> None:
    """A worker is killed in a trial; the others notice at once, and train it on to the bit from its checkpoint."""
    study, count = spec.parent / "study", 3
    victim = process(spec, "--study-dir", study, "--trials", count, *FOUR, before=pausing(tmp_path / "never"))
    await_file("study/trials/0000/metrics.jsonl", spec.parent, victim)
    others = [process("--resume", study) for _ in range(2)]
    await_file("study/trials/0001/metrics.jsonl", spec.parent, victim, *others)
    (mine,) = [path.name for path in (study / "workers").iterdir() if str(_number(victim)) in path.read_text()]
    running = {each.number for each in Study(study).trials if each.state == "running"}
    victim.kill()
    victim.communicate()
    said = ended(*others)
    check_whole(study, count, f"sqlite:///{study / 'study.db'}")
    taken = [int(number) for text in said for number in re.findall(r"trial (\d+) is taken over from process", text)]
    assert len(taken) == 1
    assert taken[0] in running
    assert not (study / "workers" / mine).exists()
    run = study / "trials" / f"{taken[0]:04}"
    assert graphspec.Run(run).record["resumed"]
    check_metrics(run, tmp_path / "again")


def _number(process: Forked) -> int:
    number = process._process.pid
    assert number is not None
    return number


def on_machine(name: str, grace: float = 4.0) -> None:
    """Let this process be one of another machine, of which others know only what the storage tells."""
    import platform

    from graphspec.tuning import leases, worker

    platform.node = lambda: name
    worker._BOOT = "/nowhere"
    leases.BEAT_SECONDS, leases.GRACE_SECONDS = 0.3, grace


@pytest.mark.parametrize(
    "kind", [pytest.param("journal", marks=pytest.mark.long), pytest.param("server", marks=pytest.mark.slow)]
)
def test_machines_share_a_storage(process: Start, tmp_path: Path, kind: str, request: pytest.FixtureRequest) -> None:
    """Two machines with folders of their own; one dies, and the other trains its trial anew, with the same values."""
    homes = [tmp_path / name for name in ("alpha", "beta")]
    (tmp_path / "shared").mkdir()
    is_journal = kind == "journal"
    storage = (
        f"journal:{tmp_path / 'shared' / 'spec.journal'}" if is_journal else request.getfixturevalue("postgres").url
    )
    words = ("--storage", storage, "--study-name", tmp_path.name, "--trials", 3, *FOUR)
    alpha, beta = (partial(on_machine, home.name) for home in homes)
    for home in homes:
        home.mkdir()
        write_spec(home)
    before = pausing(tmp_path / "never", trial=1, before=alpha)
    victim = process(homes[0] / "spec.yaml", "--study-dir", homes[0] / "study", *words, before=before)
    await_file("alpha/study/trials/0001/metrics.jsonl", tmp_path, victim)
    survivor = process(homes[1] / "spec.yaml", "--study-dir", homes[1] / "study", *words, before=beta)
    await_file("beta/study/trials/0002/metrics.jsonl", tmp_path, victim, survivor)
    victim.kill()
    victim.communicate()
    (said,) = ended(survivor)
    trials = Study(homes[1] / "study", storage).trials
    assert [(trial.number, trial.state) for trial in trials] == [(number, "complete") for number in range(3)]
    (taken,) = re.findall(r"trial (\d+) is taken over from process \d+ of alpha, of which nothing was heard", said)
    assert [trial.is_here for trial in trials] == [False, True, True]
    assert trials[int(taken)].is_here
    check_metrics(trials[int(taken)].run, tmp_path / "again")
    for trial in trials:
        assert trial.run.is_dir()
        assert trial.host == ("" if trial.is_here else "alpha")
    resumed = call("tune", "--resume", homes[0] / "study", "--storage", storage, "--quiet")
    assert resumed.exit_code == 0, resumed.output
    again = Study(homes[0] / "study", storage).trials
    assert [trial.value for trial in again] == [trial.value for trial in trials]
    assert (homes[0] / "study" / "best.yaml").read_text() == (homes[1] / "study" / "best.yaml").read_text()


@pytest.mark.long
def test_machines_share_a_folder(process: Start, spec: Path, tmp_path: Path) -> None:
    """With the study on a shared folder, the trial of a machine that died is gone on with from its checkpoint."""
    study = spec.parent / "study"
    words = ("--study-dir", study, "--storage", "journal", "--trials", 2, *FOUR)
    victim = process(spec, *words, before=pausing(tmp_path / "never", before=partial(on_machine, "alpha")))
    await_file("study/trials/0000/metrics.jsonl", tmp_path, victim)
    survivor = process("--resume", study, before=partial(on_machine, "beta"))
    await_file("study/trials/0001/metrics.jsonl", tmp_path, victim, survivor)
    victim.kill()
    victim.communicate()
    (said,) = ended(survivor)
    (taken,) = re.findall(r"trial (\d+) is taken over from process \d+ of alpha", said)
    assert [trial.state for trial in Study(study).trials] == ["complete"] * 2
    run = study / "trials" / f"{int(taken):04}"
    assert graphspec.Run(run).record["resumed"]
    check_metrics(run, tmp_path / "again")
    assert sorted(path.name for path in (study / "trials").iterdir()) == ["0000", "0001"]


@pytest.mark.slow
def test_sqlite_is_refused_on_a_second_machine(process: Start, spec: Path) -> None:
    """Its locks do not hold there, so whoever comes second is told what to use instead."""
    study = spec.parent / "study"
    before = pausing(spec.parent / "refused", before=partial(on_machine, "alpha"))
    first = process(spec, "--study-dir", study, "--trials", 2, *FOUR, before=before)
    await_file("study/trials/0000/metrics.jsonl", spec.parent, first)
    second = process("--resume", study, before=partial(on_machine, "beta"))
    said = second.communicate(timeout=300)[1]
    assert second.returncode == 1
    assert re.search(r"error\[GS918\].*of alpha works on the study too", said), said
    assert "--storage" in said
    assert "Traceback" not in said
    (spec.parent / "refused").touch()
    ended(first)
    assert [trial.state for trial in Study(study).trials] == ["complete"] * 2


@pytest.mark.slow
def test_workers_share_a_server(
    process: Start, tmp_path: Path, postgres: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL, by the same command on each machine. The password is in no file and no message."""
    homes = [tmp_path / name for name in ("alpha", "beta")]
    started = []
    for home in homes:
        home.mkdir()
        words = ("--study-dir", home / "study", "--storage", postgres.url, "--trials", 6, *QUICK)
        started.append(process(write_spec(home), *words))
    said = ended(*started)
    assert sorted(number for text in said for number in said_of(text)) == list(range(6))
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    studies = [Study(home / "study", postgres.open_url) for home in homes]
    assert [trial.value for trial in studies[0].trials] == [trial.value for trial in studies[1].trials]
    assert len({(trial.host, trial.run) for study in studies for trial in study.trials if trial.is_here}) == 6
    monkeypatch.delenv("PGPASSWORD")
    for text in (*said, *(path.read_text(errors="replace") for path in tmp_path.rglob("*") if path.is_file())):
        assert PASSWORD not in text
        assert QUOTED not in text
    refused = call("tune", "--resume", homes[0] / "study", "--storage", postgres.open_url)
    assert (refused.exit_code, "error[GS918]" in refused.stderr) == (1, True), refused.output
    assert "password" in refused.stderr
    assert call("tune", "--resume", homes[0] / "study", "--storage", postgres.url, "--quiet").exit_code == 0
    shutil.rmtree(homes[1])
    other = write_spec(tmp_path)
    differs = call("tune", other, "--storage", postgres.url, "--set", "training.epochs=3", "--study-dir", homes[1])
    assert differs.exit_code == 1
    assert "error[GS919]" in differs.stderr
    assert "`training`" in differs.stderr
    assert not homes[1].exists()


@pytest.mark.slow
def test_server_that_restarts_is_waited_for(process: Start, spec: Path, postgres: Server) -> None:
    """A server may be away for a while: nothing is lost or done twice, and what is waited for is said."""
    words = ("--storage", postgres.url, "--study-name", spec.parent.name, "--trials", 2, *FOUR)
    away = spec.parent / "away"
    running = process(spec, "--study-dir", spec.parent / "study", *words, before=pausing(away))
    await_file("study/trials/0000/metrics.jsonl", spec.parent, running)
    postgres.stop()
    away.touch()
    time.sleep(2)
    postgres.start()
    (said,) = ended(running)
    assert "trying again for 60 s" in said
    assert PASSWORD not in said
    trials = Study(spec.parent / "study", postgres.url).trials
    assert [(trial.number, trial.state) for trial in trials] == [(0, "complete"), (1, "complete")]
    assert all(len(read_rows(trial.run)) == trial.epochs == 4 for trial in trials)

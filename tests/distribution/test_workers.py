"""Processes that share each batch train the model that one process trains, and stop, fail and resume together."""

from __future__ import annotations

import shutil
import signal
import socket
import time
from pathlib import Path

import pytest

import graphspec
from tests.distribution.namespaces import missing, two_namespaces
from tests.distribution.results import assert_equal_to_rounding, assert_identical
from tests.distribution.workers import MULTI_WORKER, SPEC, free_ports, train, wait_for_epochs, workers, write_data

LONG = (*MULTI_WORKER, "--set", "training.epochs=3000", "--quiet")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the data, a run `one` of one process and a run `two` of two."""
    folder = tmp_path_factory.mktemp("workers")
    write_data(folder)
    graphspec.train(folder / SPEC, run_dir=folder / "one", overrides=["training.epochs=4"])
    train(folder, 2, SPEC, *MULTI_WORKER, "--set", "training.epochs=4", "--run-dir", "two")
    return folder


@pytest.mark.long
def test_four_workers_equal_one_process(folder: Path) -> None:
    """Losses agree to 6 digits, weights to 1e-6, though three have no row of a last batch; the chief alone writes."""
    train(folder, 4, SPEC, *MULTI_WORKER, "--set", "training.epochs=4", "--run-dir", "four", "--quiet")
    assert_equal_to_rounding(folder / "one", folder / "four")
    assert (folder / "four" / "model.keras").exists()


@pytest.mark.slow
def test_killed_worker_stops_all_and_the_run_resumes(folder: Path) -> None:
    """After a kill the chief ends within a bounded time and says who was lost; the run resumes to the same bits with as
    many workers, and to rounding with another number.
    """
    arguments = (SPEC, *MULTI_WORKER, "--set", "training.epochs=4", "--run-dir", "killed", "--quiet")
    with workers([["train", *arguments]] * 2, folder) as (chief, other):
        wait_for_epochs(folder / "killed", 1)
        other.process.send_signal(signal.SIGKILL)
        began = time.monotonic()
        assert chief.wait(60) == 1
        assert time.monotonic() - began < 30
        assert "GS914" in chief.output
        assert "worker 1 (127.0.0.1:" in chief.output
        assert "Traceback" not in chief.output
    shutil.copytree(folder / "killed", folder / "alone")
    train(folder, 2, "--resume", "killed", "--quiet")
    assert_identical(folder / "killed", folder / "two")
    (alone,) = train(folder, 1, "--resume", "alone", "--quiet")
    assert "rounded in another way" in alone.output
    assert_equal_to_rounding(folder / "alone", folder / "one")


@pytest.mark.slow
def test_signal_to_one_worker_stops_all_at_the_same_step(folder: Path) -> None:
    """Ctrl-C on a worker that is not the chief stops both with a checkpoint, as it stops one process."""
    with workers([["train", SPEC, *LONG, "--run-dir", "signalled"]] * 2, folder) as (chief, other):
        wait_for_epochs(folder / "signalled", 1)
        other.process.send_signal(signal.SIGINT)
        assert (chief.wait(60), other.wait(60)) == (130, 130)
    assert graphspec.Run(folder / "signalled").record["status"] == "stopped"


@pytest.mark.slow
def test_workers_that_would_train_something_else_are_refused(folder: Path) -> None:
    """Other data or another setting on one worker is an error on all, which names what differs."""
    shutil.copytree(
        folder, other := folder / "elsewhere", ignore=lambda _, names: [n for n in names if ".npz" not in n]
    )
    write_data(other, seed=1)
    commands = [
        ["train", SPEC, *MULTI_WORKER, "--run-dir", "differing"],
        ["train", f"elsewhere/{SPEC}", *MULTI_WORKER, "--set", "training.seed=5"],
    ]
    with workers(commands, folder) as started:
        for each in started:
            assert each.wait() == 1
            assert "GS913" in each.output
            assert "the data file `train.npz`" in each.output
            assert "the value `training.seed` is 0 on the chief, 5 there" in each.output
    assert not (folder / "differing").exists()


@pytest.mark.slow
@pytest.mark.skipif(bool(missing()), reason=missing())
def test_workers_at_addresses_of_their_own_equal_one_process(folder: Path) -> None:
    """Two workers in two network namespaces, each with an address, train what one process trains."""
    arguments = ("train", SPEC, *MULTI_WORKER, "--set", "training.epochs=4", "--run-dir", "spaces", "--quiet")
    with two_namespaces() as spaces:
        addresses = [f"{each.address}:2222" for each in spaces]
        with workers([arguments] * 2, folder, addresses, [each.prefix for each in spaces]) as started:
            for each in started:
                assert each.wait() == 0, each.output
    assert_equal_to_rounding(folder / "one", folder / "spaces")


def test_taken_port_is_an_error(tmp_path: Path) -> None:
    """A worker whose port another process uses says so, instead of waiting."""
    write_data(tmp_path)
    (port,) = free_ports(1)
    with socket.socket() as taken:
        taken.bind(("0.0.0.0", port))
        taken.listen()
        command = ["train", SPEC, *MULTI_WORKER, "--run-dir", "run"]
        with workers([command], tmp_path, [f"127.0.0.1:{port}"]) as (chief,):
            assert chief.wait(60) == 1
            assert f"cannot listen at port {port}" in chief.output
            assert "GS912" in chief.output


def test_training_without_a_cluster_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`multi_worker` without TF_CONFIG names the variable, before TensorFlow starts anything."""
    monkeypatch.delenv("TF_CONFIG", raising=False)
    write_data(tmp_path)
    with pytest.raises(graphspec.SpecError, match="TF_CONFIG is not set"):
        graphspec.train(tmp_path / SPEC, overrides=["training.distribute=multi_worker"], run_dir=tmp_path / "run")
    assert not (tmp_path / "run").exists()

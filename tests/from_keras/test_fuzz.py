"""Whatever a model holds, decompiling gives findings or what Keras loads: a sample of `scripts/fuzz_models.py`."""

from __future__ import annotations

from collections import Counter
from functools import partial
from pathlib import Path

import keras
import pytest

from tests.from_keras.fuzzing.cases import Models
from tests.from_keras.fuzzing.configs import Case
from tests.from_keras.fuzzing.oracle import compare
from tests.from_keras.fuzzing.seed_models import models, of_layers, write_model
from tests.from_keras.fuzzing.trial import MEGABYTES, Outcome, Trial, try_decompiling
from tests.fuzzing.pool import run
from tests.fuzzing.watched import Tried

SEED = 3
CONFIGS, ARCHIVES = 60, 25
DECOMPILED = 300
"""Cases that are decompiled under the audit hook alone."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the models that cases are made from."""
    folder = tmp_path_factory.mktemp("models")
    for name, build in {**models(), **dict(list(of_layers().items())[::10])}.items():
        keras.utils.clear_session(free_memory=False)
        write_model(folder, name, build)
    return folder


def outcome_of(case: Case, folder: Path, *, numbers: bool) -> Outcome:
    """Return how a case goes."""
    outcome = Outcome()
    compare(case, Trial(folder), outcome, numbers=numbers)
    return outcome


def tried(cases: list[Case], folder: Path) -> list[Outcome]:
    """Return how cases go, none of which may be at fault."""
    outcomes = [outcome_of(case, folder, numbers=number % 5 == 0) for number, case in enumerate(cases)]
    assert [(case.what, each.faults) for case, each in zip(cases, outcomes, strict=True) if each.faults] == []
    return outcomes


def test_configs_give_what_keras_loads_or_findings(made: Path, tmp_path: Path) -> None:
    """Mutated configurations give a spec whose model is equal to that of Keras, or findings; both are among them."""
    cases = [Models.at(made).config(SEED, number) for number in range(CONFIGS)]
    kinds = Counter(each.kind for each in tried(cases, tmp_path))
    assert kinds["equal"] > CONFIGS // 10
    assert sum(count for kind, count in kinds.items() if kind.startswith("finding")) > CONFIGS // 4


@pytest.mark.slow
def test_archives_give_what_keras_loads_or_findings(made: Path, tmp_path: Path) -> None:
    """Mutated archives do as well, with their weights and what layers have learned."""
    kinds = Counter(each.kind for each in tried([Models.at(made).archive(SEED, n) for n in range(ARCHIVES)], tmp_path))
    assert kinds["equal"] > 1
    assert sum(count for kind, count in kinds.items() if kind.startswith("finding")) > ARCHIVES // 4


@pytest.mark.slow
def test_models_as_they_are_come_back(made: Path, tmp_path: Path) -> None:
    """Every model that cases are made from gives an equal one before it is mutated, as archive and as configuration."""
    corpus = Models.at(made)
    archives = [Case(name, data, ".keras") for name, data in corpus.archives.items()]
    configs = [Case(name, text.encode()) for name, text in corpus.corpus.texts.items() if name not in corpus.archives]
    outcomes = tried([*archives, *configs], tmp_path)
    assert [
        (case.what, each) for case, each in zip([*archives, *configs], outcomes, strict=True) if each.kind != "equal"
    ] == []


@pytest.mark.parametrize("archives", [False, True], ids=["configs", "archives"])
def test_decompiling_executes_nothing(archives: bool, made: Path, tmp_path: Path) -> None:
    """Under an audit hook, decompiling reads the file and writes beside the spec, and does nothing else."""
    faults: dict[int, Tried] = {}
    attempt = partial(try_decompiling, made, archives, SEED)
    totals = run(range(DECOMPILED // (3 if archives else 1)), attempt, [tmp_path], MEGABYTES, faults.__setitem__)
    assert {number: each.faults for number, each in faults.items()} == {}
    assert totals.accepted > totals.done // 10


@pytest.mark.long
def test_many_models(made: Path, tmp_path: Path) -> None:
    """A larger sample of configurations and archives goes well, too."""
    cases = Models.at(made)
    tried([cases.config(SEED + 1, number) for number in range(200)], tmp_path)
    tried([cases.archive(SEED + 1, number) for number in range(60)], tmp_path)


def test_trial_sees_faults(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The trial tells of a model that differs, and of an exception."""
    cases = Models.at(made)
    sound, other = (Case(name, cases.corpus.texts[name].encode()) for name in ("frozen", "shared"))
    assert outcome_of(sound, tmp_path, numbers=True).faults == []
    trial = Trial(tmp_path)
    spec = trial.decompile(other, Outcome())
    monkeypatch.setattr(trial, "decompile", lambda *_: spec)
    outcome = Outcome()
    compare(sound, trial, outcome, numbers=True)
    assert outcome.faults != []
    monkeypatch.setattr(trial, "decompile", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        compare(sound, trial, Outcome(), numbers=True)

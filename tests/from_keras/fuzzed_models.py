"""Numbered cases of mutated models, tried in a folder: made from models that were written to another one."""

from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import keras

from graphspec.garbage import no_collection
from tests.from_keras import mutated_archives, mutated_configs
from tests.from_keras.corpus import Make, applications, models, of_layers, of_specs
from tests.from_keras.model_trial import SECONDS, Outcome, Trial
from tests.from_keras.mutated_configs import Case, Corpus
from tests.fuzzing.watched import Tried, watch
from tests.security.audit import Recorder

MEGABYTES = 3_000
_NUMBERS_EVERY = 5
"""One case in so many compares outputs."""

_FORGOTTEN_EVERY = 20


def write_models(folder: Path) -> None:
    """Write the configurations of all models, and archives of those of every kind, to a folder."""
    folder.mkdir()
    for name, make in {**models(), **of_layers(), **of_specs(), **applications()}.items():
        keras.utils.clear_session(free_memory=False)
        with no_collection():
            write_model(folder, name, make)


def write_model(folder: Path, name: str, make: Make) -> None:
    """Write the configuration of one model, and its archive if it is one of `models`."""
    model = make()
    (folder / f"{name}.json").write_text(model.to_json(), encoding="utf-8")
    if name in models():
        model.save(folder / f"{name}.keras")


@dataclass(frozen=True)
class Models:
    """The models in a folder, from which cases are made."""

    corpus: Corpus
    archived: Corpus
    archives: dict[str, bytes]

    @staticmethod
    @cache
    def at(folder: Path) -> Models:
        """Return the models in a folder."""
        archives = mutated_archives.archives_of(folder)
        texts = {}
        for name in archives:
            with zipfile.ZipFile(folder / f"{name}.keras") as archive:
                texts[name] = archive.read("config.json").decode()
        return Models(Corpus.of(folder), Corpus(texts), archives)

    def config(self, seed: int, number: int) -> Case:
        """Return a configuration."""
        return mutated_configs.make_case(self.corpus, seed, number)

    def archive(self, seed: int, number: int) -> Case:
        """Return an archive."""
        return mutated_archives.make_case(self.archives, self.archived, seed, number)


def try_config(models: Path, seed: int, number: int, folder: Path) -> Tried:
    """Try configuration `number` of those of `seed`."""
    case = Models.at(models).config(seed, number)
    return _tried(lambda trial: trial.config(case.data, numbers=number % _NUMBERS_EVERY == 0), case, number, folder)


def try_archive(models: Path, seed: int, number: int, folder: Path) -> Tried:
    """Try archive `number` of those of `seed`."""
    case = Models.at(models).archive(seed, number)
    return _tried(lambda trial: trial.archive(case.data), case, number, folder)


def _tried(work, case: Case, number: int, folder: Path) -> Tried:  # type: ignore[no-untyped-def]
    if number % _FORGOTTEN_EVERY == 0:
        keras.utils.clear_session(free_memory=False)
    outcomes: list[Outcome] = []

    def trial() -> tuple[bool, list[str]]:
        outcome = work(Trial(folder, _recorder()))
        outcomes.append(outcome)
        return outcome.kind == "equal", outcome.faults

    tried = watch(trial, MEGABYTES, 4 * SECONDS)
    outcome = outcomes[0] if outcomes else Outcome("fault")
    if tried.faults:
        outcome = Outcome("fault", "; ".join(_place(fault) for fault in tried.faults))
    line = {"number": number, "what": case.what, "kind": outcome.kind, "detail": outcome.detail}
    with open(folder / "outcomes.jsonl", "a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")
    return tried


def _place(fault: str) -> str:
    """Return the last call and the message of a traceback; any other fault as it is."""
    if "Traceback" not in fault and "File " not in fault:
        return fault
    lines = fault.strip().splitlines()
    calls = [line for line in lines if line.lstrip().startswith('File "')]
    return f"{lines[-1][:150]} at {calls[-1].split('/graphspec/')[-1]}"


@cache
def _recorder() -> Recorder:
    recorder = Recorder()
    recorder.install()
    return recorder

"""A case → its spec built, held against what Keras itself loads of it."""

from __future__ import annotations

import contextlib
import io
import json
import math
import signal
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np

import graphspec
from graphspec.catalog.refused import CODE_CARRYING
from graphspec.diagnostics import SpecError
from graphspec.to_keras.keras_internals import weightless_scope
from tests.from_keras.fuzzing.cases import Models
from tests.from_keras.fuzzing.configs import Case
from tests.from_keras.fuzzing.trial import MEGABYTES, SECONDS, Outcome, Trial, first, recorder
from tests.from_keras.round_trip import flat, layers_by_path, listed, samples, structural
from tests.from_keras.wiring import wired
from tests.fuzzing.watched import Tried, peak, watch

_ORACLE_SECONDS = 20
"""By the clock, for what Keras loads."""

_MAX_PARAMETERS = 300_000
"""Parameters of a model whose outputs are compared."""

_NUMBERS_EVERY = 5
"""One configuration in so many compares outputs, and all archives do."""

_FORGOTTEN_EVERY = 20


def try_config(models: Path, seed: int, number: int, folder: Path) -> Tried:
    """Try configuration `number` of those of `seed`."""
    return _tried(Models.at(models).config(seed, number), number, folder)


def try_archive(models: Path, seed: int, number: int, folder: Path) -> Tried:
    """Try archive `number` of those of `seed`."""
    return _tried(Models.at(models).archive(seed, number), number, folder)


def _tried(case: Case, number: int, folder: Path) -> Tried:
    """Try a case, and add a line to `outcomes.jsonl` in the folder."""
    if number % _FORGOTTEN_EVERY == 0:
        keras.utils.clear_session(free_memory=False)
    outcome = Outcome()

    def work() -> tuple[bool, list[str]]:
        compare(case, Trial(folder, recorder()), outcome, numbers=number % _NUMBERS_EVERY == 0)
        return outcome.kind == "equal", outcome.faults

    tried = watch(work, math.inf, 4 * SECONDS)
    if tried.faults:
        outcome = Outcome("fault", "; ".join(_place(fault) for fault in tried.faults))
    line = {"number": number, "what": case.what, "kind": outcome.kind, "detail": outcome.detail}
    with open(folder / "outcomes.jsonl", "a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")
    return tried


def _place(fault: str) -> str:
    """Return the last call and the message of a traceback; any other fault as it is."""
    lines = fault.strip().splitlines()
    calls = [line for line in lines if line.lstrip().startswith('File "')]
    return f"{lines[-1][:150]} at {calls[-1].split('/graphspec/')[-1]}" if calls else fault


def compare(case: Case, trial: Trial, outcome: Outcome, *, numbers: bool) -> None:
    """Decompile a case, build its spec, and compare the model with what Keras loads."""
    stage = trial.folder / "stage"
    stage.write_text("decompile")
    spec = trial.decompile(case, outcome)
    if spec is not None and spec.model.plugins:
        outcome.kind = "asks for a plugin"
        return
    is_archive, built = case.suffix == ".keras", None
    numbers |= is_archive
    if spec is not None:
        stage.write_text("build")
        try:
            built = graphspec.build(spec, weightless=True)
            numbers &= built.count_params() < _MAX_PARAMETERS
            if numbers:
                built = graphspec.build(trial.options(case).path or spec)
        except SpecError as error:
            built = None
            outcome.kind, outcome.detail = "spec that does not build", first(error)
    if (most := peak()) > MEGABYTES:  # what Keras takes to load the case is its own affair
        outcome.faults.append(f"it took {most:.0f} MB")
    stage.write_text("Keras")
    loaded = _in_time(lambda: _loaded(case, trial.folder, weightless=not numbers))
    if built is None:
        outcome.kind += f", {loaded.partition(':')[0] if isinstance(loaded, str) else 'Keras loads it'}"
    elif isinstance(loaded, str):
        outcome.kind, outcome.detail = f"spec, {loaded.partition(':')[0]}", loaded
    else:
        outcome.kind = "equal"
        stage.write_text("compare")
        outcome.faults += differences(loaded, built, numbers=numbers, weights=is_archive)
        if any(each.startswith("weights") for each in outcome.faults) and b"build_config" in case.data:
            again = _in_time(lambda: _loaded(case, trial.folder, weightless=True, with_builds=False))
            if not isinstance(again, str) and not differences(again, built, numbers=False, weights=is_archive):
                outcome.kind, outcome.faults = "equal but for a damaged `build_config`", []


def holds_code(value: Any) -> bool:
    """Return whether Keras could execute something or import a module to load a configuration."""
    if isinstance(value, list):
        return any(map(holds_code, value))
    if not isinstance(value, dict):
        return False
    name, module = value.get("class_name"), value.get("module")
    if name is not None:
        is_ours = isinstance(module, str) and module.partition(".")[0] == "keras"
        if (
            name in CODE_CARRYING
            or name in ("__lambda__", "__bytes__")
            or not (is_ours or module in (None, "builtins"))
        ):
            return True
        if name == "function" and not is_ours:
            return True
    return any(map(holds_code, value.values()))


def _loaded(case: Case, folder: Path, *, weightless: bool, with_builds: bool = True) -> Any:
    """Return the model that Keras makes of a case, not compiled; else the reason.

    with_builds: Keras builds layers by their `build_config` before they are called, whatever that is.
    """
    if case.suffix == ".keras":
        with zipfile.ZipFile(io.BytesIO(case.data)) as archive:
            config = json.loads(archive.read("config.json"))
    else:
        config = json.loads(case.data.decode("utf-8-sig"))
    if holds_code(config):
        return "it may carry code"
    if case.suffix == ".keras" and not weightless:
        return keras.saving.load_model(folder / "case.keras", compile=False, safe_mode=True)
    config = {key: value for key, value in config.items() if key != "compile_config"}
    config = config if with_builds else _without_builds(config)
    with weightless_scope() if weightless else contextlib.nullcontext():
        return keras.saving.deserialize_keras_object(config, safe_mode=True)


def _without_builds(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_builds(each) for key, each in value.items() if key != "build_config"}
    return [_without_builds(each) for each in value] if isinstance(value, list) else value


def _in_time(load: Callable[[], Any]) -> Any:
    """Return what is loaded, or why nothing is."""
    previous = signal.signal(signal.SIGALRM, _late)
    signal.setitimer(signal.ITIMER_REAL, _ORACLE_SECONDS)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            loaded = load()
            if isinstance(loaded, keras.Model):
                loaded.get_config()  # a layer may have lost what it has learned
        return loaded if isinstance(loaded, keras.Model | str) else f"Keras refuses it: {type(loaded).__name__}"
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        return f"Keras refuses it: {type(error).__name__}: {_reason(error)}"
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)


def _reason(error: BaseException) -> str:
    """Return the message of Keras, without the configuration that it may show."""
    return str(error).rpartition("Exception encountered: ")[2][:200]


def _late(*_: object) -> None:
    raise TimeoutError


def differences(loaded: keras.Model, built: keras.Model, *, numbers: bool, weights: bool) -> list[str]:
    """Return what the model of Keras and that of the spec differ in.

    Args:
        loaded: The model that Keras loaded.
        built: The model that the spec builds.
        numbers: Compare outputs, too.
        weights: Both have read their weights; else `built` gets those of `loaded`.
    """
    found = [*structural(loaded, built), *wired(loaded, built)]
    if numbers and not found:
        found += _numeric(loaded, built, weights=weights)
    return [each[:1_000] for each in found[:5]]


def _numeric(loaded: keras.Model, built: keras.Model, *, weights: bool) -> list[str]:
    """Return the outputs that are not equal to the bit, for random samples and the weights of `loaded`.

    Some layers are random outside of training, too: `built` draws the same numbers, from the state that `loaded` had.
    Where `loaded` itself computes something else from the same state (`AugMix`), numbers tell nothing.
    """
    theirs = layers_by_path(built)
    states = [state for layer in layers_by_path(loaded).values() for state in _random_states(layer)]
    before = [keras.ops.convert_to_numpy(state) for state in states]
    for path, layer in layers_by_path(loaded).items():
        if not weights:
            theirs[path].set_weights(layer.get_weights())
        for one, other in zip(_random_states(layer), _random_states(theirs[path]), strict=True):
            other.assign(one)
    try:
        batch = samples(built)
        ours = flat(loaded(listed(loaded, batch)))
        for state, value in zip(states, before, strict=True):
            state.assign(value)
        if not all(map(_equal, ours, flat(loaded(listed(loaded, batch))))):
            return []
    except Exception:  # Keras cannot compute what it has loaded
        return []
    others = flat(built(batch))
    pairs = zip(ours, others, strict=True)
    return [f"output {at} differs" for at, (one, other) in enumerate(pairs) if not _equal(one, other)]


def _random_states(layer: keras.Layer) -> list[keras.Variable]:
    """Return the states of the generators of random numbers of a layer."""
    weights = {id(each) for each in layer.weights}
    return [each for each in layer.variables if id(each) not in weights]


def _equal(one: Any, other: Any) -> bool:
    is_number = one.dtype.kind in "fc"
    return one.dtype == other.dtype and bool(np.array_equal(one, other, equal_nan=is_number))

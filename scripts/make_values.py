"""Write graphspec/catalog/values.json: which values each argument of the installed Keras takes, measured.

    python scripts/make_values.py                     writes the file, in ten minutes on 2 cores
    python scripts/make_values.py Dense Adam          measures some classes anew, and leaves the others as they are
    python scripts/make_values.py --check Dense Adam  exits with 1 where the file says otherwise; without names, of all
    python scripts/make_values.py --fingerprints      prints what decides about the values of each class, as JSON
    python scripts/make_values.py --like FILE         measures the classes whose fingerprints are not those in FILE, of
                                                      the next newer Keras; the others take what they take there

Each argument is varied in known uses of its class, over a battery of values, and what Keras takes is described. Where
that is more than its documentation says, such as half an epoch, the documentation decides: see `documented_types`. Of
operations nothing is tried, and their documentation alone says what they take.
"""

from __future__ import annotations

import ast
import inspect
import json
import os
import re
import sys
from contextlib import nullcontext
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import catalog_files
import keras
from argument_docs import documented
from class_sources import fingerprint
from describe_values import Attempt, Hints, describe
from documented_types import narrowed
from keras.src.backend.common.dtypes import PYTHON_DTYPES_MAP

from graphspec import catalog
from graphspec.catalog import Kind
from graphspec.catalog.arguments import CALLBACK_PATHS, argument_kind
from graphspec.catalog.refused import CODE_CARRYING, NOT_APPLIED
from graphspec.catalog.values import ONLY_OBJECTS, takes
from tests.trials import MODULES, Outcome, class_of, contexts, is_loaded_again, trial

# What no trial can show: the packages that it needs are not there, or Keras loses the layer.
UNTRIED: dict[str, Kind] = {"OrbaxCheckpoint": "callbacks", "Equalization": "layers"}
# The classes that all of a kind inherit from. What their arguments take is measured once, with a simple heir.
_HEIRS: dict[Kind, tuple[str, str]] = {
    "layers": ("Layer", "Identity"),
    "losses": ("Loss", "MeanSquaredError"),
    "metrics": ("Metric", "Mean"),
    "optimizers": ("Optimizer", "SGD"),
}
_BASES = [getattr(MODULES[kind], base) for kind, (base, _) in _HEIRS.items()]
# Where all surroundings say the same of these, one of them says it of all values.
SAMPLES = (None, True, -2, 0, 1, 2, 3, 0.5, 1.5, "a", [1], [1, 2], [2, 2, 2], ["a", "b"], {"a": 1})
TO_LOAD: dict[str, tuple[Any, ...]] = {
    "bool": (True, False),
    "int": (1, 2, 3),
    "number": (0.1, 0.5, 1, 2),
    "float": (0.1, 0.5, 1.0),
    "list": ([1], [1, 1], [1, 2], [0.1, 0.2], [1, 1, 1]),
}
# Arguments in which a text names what no trial has: a file, a metric, an axis.
NAMING = ("vocabulary", "monitor", "bias_axes")
# Lists whose length another argument sets.
FITTED = ("idf_weights", "label_weights", "boundaries", "values")
# Arguments that take a truth value beside numbers and words, though their default is none.
TRUTHS: dict[tuple[str, str], list[bool]] = {
    ("BackupAndRestore", "save_freq"): [False],
    ("GRU", "use_cudnn"): [False, True],
    ("LSTM", "use_cudnn"): [False, True],
}
FREE = ("name", "dtype")
"""Arguments whose values are judged by themselves."""
FEW = 10
"""So many classes are measured by this process alone: to start others takes longer."""
QUANTIZED = "_from_"
"""Stands in the name of a dtype policy of quantized layers, of which there is no end."""
_QUOTED = re.compile(r"""["'](\w+)["']""")
_WORD = re.compile(r"[A-Za-z_][\w-]{0,40}")


def words_for(cls: type, argument: str) -> list[str]:
    """The texts that may mean something: the short strings in the source of `cls` and its parents, and dtypes."""
    if argument == "dtype":
        return dtype_words()
    found = dict.fromkeys(catalog.dtypes() if "dtype" in argument else [])
    for base in cls.__mro__[:-1]:
        if base.__module__.startswith("keras") and base not in _BASES:
            found |= dict.fromkeys(_words_of(inspect.getsourcefile(base) or ""))
    return list(found)


@cache
def _words_of(path: str) -> list[str]:
    tree = ast.parse(Path(path).read_text(encoding="utf-8"))
    texts = [each.value for each in ast.walk(tree) if isinstance(each, ast.Constant) and isinstance(each.value, str)]
    return [word for text in texts for word in (text, *_QUOTED.findall(text)) if _WORD.fullmatch(word)]


@cache
def _quoted_of(cls: type) -> dict[str, list[str]]:
    """The words that the documentation of `cls` quotes, by argument."""
    found: dict[str, list[str]] = {}
    for base in cls.__mro__[:-1]:
        for argument, text in documented(base.__doc__).items():
            found.setdefault(argument, []).extend(_QUOTED.findall(text))
    return found


@cache
def _documented_words() -> dict[str, list[str]]:
    """The same of all classes: what is a word to one may be one to others that have an argument of that name."""
    found: dict[str, dict[str, None]] = {}
    for kind, name in names():
        for argument, words in _quoted_of(class_of(kind, name)).items():
            found.setdefault(argument, {}).update(dict.fromkeys(words))
    return {argument: list(words) for argument, words in found.items()}


def dtype_words() -> list[str]:
    """The names of dtypes and of dtype policies."""
    python = [each for each in PYTHON_DTYPES_MAP if isinstance(each, str)]
    policies = [*catalog.dtypes(), *python, "mixed_float16", "mixed_bfloat16"]
    return [*policies, f"int8{QUANTIZED}float32"]


def inherited(kind: Kind) -> list[str]:
    """The arguments of `kind` that are measured once."""
    base = catalog.find(kind, _HEIRS[kind][0]) if kind in _HEIRS else None
    return [each for each in base.arguments if each not in ("learning_rate", "weight_decay")] if base else []


def trying(kind: Kind, name: str, argument: str, surroundings: list[dict[str, Any]], samples: list[Any]) -> Attempt:
    """The trial of one argument: the farthest that Keras goes with a value in any of the surroundings."""

    def outcome(value: Any, surrounding: dict[str, Any]) -> Outcome:
        return trial(kind, name, {**surrounding, argument: value})

    agree = all(len({outcome(value, each) for each in surroundings}) == 1 for value in samples)
    alike = surroundings[:1] if agree else surroundings

    def attempt(value: Any) -> Outcome:
        best = Outcome.REFUSED
        for each in alike:
            best = max(best, outcome(value, each))
            if best is Outcome.TAKEN:
                break
        return best

    return attempt


def without_truths(said: dict[str, Any]) -> dict[str, Any]:
    """What was measured, without truth values that stand for 1 and 0, or for anything: to Python they are numbers."""
    found = {sort: each for sort, each in said.items() if sort != "bool" or not {*said} - {"bool", "null"}}
    if "list" in found and "items" in found["list"]:
        found["list"] = {**found["list"], "items": without_truths(found["list"]["items"])}
    return found


def corrected(said: dict[str, Any] | None, name: str, argument: str, default: Any) -> dict[str, Any] | None:
    """What was measured, and what is known of an argument beyond it."""
    if isinstance(default, bool):
        return {"truth": True} if said is None else {**said, "bool": True}
    if said is None:
        return None
    said = without_truths(said) | ({"bool": TRUTHS[name, argument]} if (name, argument) in TRUTHS else {})
    if argument == "dtype" and "words" in said:
        said["words"] = [word for word in said["words"] if QUANTIZED not in word]
        said["containing"] = QUANTIZED
    if argument in NAMING and "text" not in said:
        said = {**{sort: each for sort, each in said.items() if sort not in ("words", "any_case")}, "text": True}
    if argument in FITTED and "list" in said:
        said["list"].pop("lengths", None)
    return said


def loadable(said: dict[str, Any], name: str, argument: str, surrounding: dict[str, Any]) -> dict[str, Any]:
    """What is taken, without the sorts of values that Keras saves as what it cannot load; of numbers, zero may stay."""
    found = dict(said)
    for sort, values in TO_LOAD.items():
        taken = [value for value in values if sort in said and takes({sort: said[sort]}, value)]
        if taken and not any(is_loaded_again("layers", name, {**surrounding, argument: each}) for each in taken):
            del found[sort]
            if sort == "number" and is_loaded_again("layers", name, {**surrounding, argument: 0}):
                found[sort] = {"min": 0, "max": 0}
    return found


def working_uses(kind: Kind, name: str) -> list[dict[str, Any]]:
    """The arguments of each known use of a class that Keras takes."""
    entry = catalog.find(kind, name)
    assert entry is not None
    return [each for each in contexts(kind, name, entry.required) if trial(kind, name, each) is Outcome.TAKEN]


def measured(kind: Kind, name: str) -> dict[str, Any]:
    """What each argument of one class takes that does not take everything."""
    entry = catalog.find(kind, name)
    assert entry is not None
    surroundings = working_uses(kind, name)
    assert surroundings, f"no known use of {name} works"
    found: dict[str, Any] = {}
    for argument, default in entry.arguments.items():
        if argument in CALLBACK_PATHS:
            found[argument] = {"text": True}  # a number would be the file that some program has open
            continue
        if argument_kind(argument) == "layers" or (argument in inherited(kind) and name != _HEIRS[kind][1]):
            continue

        cls, is_object = class_of(kind, name), argument_kind(argument) is not None
        quoted = _documented_words().get(argument, [])
        attempt = trying(kind, name, argument, surroundings, [*SAMPLES, *quoted])
        used = [default, *(each[argument] for each in surroundings if argument in each)]
        hints = Hints([*words_for(cls, argument), *quoted], _quoted_of(cls).get(argument, []), used, is_object)
        said = corrected(describe(attempt, hints), name, argument, default)
        if said is not None and kind == "layers":
            said = loadable(said, name, argument, surroundings[0])
        if not is_object and argument not in FREE:
            said = narrowed(said, documented_line(kind, name, argument), default, counts=kind != "schedules")
        if said is not None or is_object:
            found[argument] = said
    return found


def documented_line(kind: Kind, name: str, argument: str) -> str:
    """Return the line of the catalogue on an argument; empty for none."""
    return catalog.argument_docs(kind, name).get(argument, "")


def untried(kind: Kind, name: str) -> dict[str, Any]:
    """Return what the documentation alone says of the arguments that take no tensors and no objects."""
    entry = catalog.find(kind, name)
    assert entry is not None
    found: dict[str, Any] = {}
    for argument, default in entry.arguments.items():
        if argument in CALLBACK_PATHS:
            found[argument] = {"text": True}
        elif argument_kind(argument) is None and argument not in (*entry.tensors, *FREE, *inherited(kind)):
            found[argument] = narrowed(None, documented_line(kind, name, argument), default)
    return {argument: said for argument, said in found.items() if said is not None}


def operations() -> dict[str, Any]:
    """Return what operations take; those are left out of which nothing is known."""
    found = {name: untried("ops", name) for name in (*catalog.names("ops"), *catalog.random_operations())}
    random = catalog.random_operations()
    return {
        name: {argument: one(said) if name in random else one_or_several(said) for argument, said in values.items()}
        for name, values in found.items()
        if values
    }


def one(said: dict[str, Any]) -> dict[str, Any]:
    """Return what is said of a number, without lists: initializers, which draw random numbers, take none."""
    return {sort: limits for sort, limits in said.items() if sort not in ("list", "whole_float")}


def one_or_several(said: dict[str, Any]) -> dict[str, Any]:
    """Return what is said of a whole number with lists of them: operations take either, whatever their lines say."""
    if "int" not in said or "null" in said.get("list", {}).get("items", {}):
        return said
    return said | {"list": {"items": {"int": {}, "list": {"items": {"int": {}}}}}}


Values = dict[tuple[Kind, str], dict[str, Any]]


def described(found: Values, known: Values | None = None) -> dict[str, Any]:
    """All that was measured, by kind, class and argument; what all classes of a kind inherit stands under `*`.

    known: what the file says of other classes.
    """
    known = known or {}
    kinds: dict[str, Any] = {}
    for kind, name in sorted({*found, *known}):
        by_class = kinds.setdefault(kind, {})
        if (kind, name) in known:
            by_class[name] = known[kind, name]
            continue
        values, common = found[kind, name], inherited(kind)
        if common and name == _HEIRS[kind][1]:
            by_class["*"] = {argument: said for argument, said in values.items() if argument in common}
        by_class[name] = {
            argument: said
            for argument, said in values.items()
            if argument not in common and not (argument_kind(argument) and said == ONLY_OBJECTS)
        }
    for name, kind in UNTRIED.items():
        if catalog.find(kind, name) is not None:
            kinds.setdefault(kind, {})[name] = untried(kind, name)
    return {"keras": keras.__version__, "kinds": kinds | {"ops": operations()}}


def text_of(content: dict[str, Any]) -> str:
    """The file: one line an argument."""
    kinds = []
    for kind, classes in content["kinds"].items():
        blocks = []
        for name, values in sorted(classes.items()):
            lines = ",\n".join(f"   {json.dumps(key)}: {json.dumps(said)}" for key, said in values.items())
            blocks.append(f"  {json.dumps(name)}: {{\n{lines}\n  }}" if values else f"  {json.dumps(name)}: {{}}")
        kinds.append(f" {json.dumps(kind)}: {{\n" + ",\n".join(blocks) + "\n }")
    return f'{{\n"keras": {json.dumps(content["keras"])},\n"kinds": {{\n' + ",\n".join(kinds) + "\n}\n}\n"


def measured_all(names: list[tuple[Kind, str]]) -> dict[tuple[Kind, str], dict[str, Any]]:
    """What every class takes; a class of several names is measured once."""
    classes = {key: class_of(*key) for key in names}
    once = {cls: key for key, cls in reversed(classes.items())}
    found: dict[tuple[Kind, str], dict[str, Any]] = {}
    several = len(once) > FEW
    with get_context("spawn").Pool(2) if several else nullcontext() as pool:
        measuring = pool.imap_unordered if pool is not None else map
        for key, values in measuring(_measured, list(reversed(once.values()))):
            found[key] = values
            print(f"{len(found)} of {len(once)}: {key[1]}", file=sys.stderr, flush=True)
    return {key: found[once[cls]] for key, cls in classes.items()}


def _measured(what: tuple[Kind, str]) -> tuple[tuple[Kind, str], dict[str, Any]]:
    return what, measured(*what)


def names() -> list[tuple[Kind, str]]:
    """Every class that a spec can name and that can be tried."""
    others = {*CODE_CARRYING, *NOT_APPLIED, *UNTRIED}
    return [(kind, name) for kind in MODULES for name in catalog.names(kind) if name not in others]


def fingerprints() -> dict[str, str]:
    """Return a fingerprint of each class: of the code that decides which values it takes."""
    return {f"{kind}.{name}": fingerprint(kind, name, _BASES) for kind, name in names()}


def measured_like(newer: dict[str, str]) -> dict[str, Any]:
    """All that the classes take; those whose fingerprints are `newer` are not measured, but take what is known.

    So do those that fail in every use, as Muon does in Keras 3.12 with TensorFlow.
    """
    own = fingerprints()
    heirs = {(kind, name) for kind, (_, name) in _HEIRS.items()}
    same = [each for each in names() if own[".".join(each)] == newer.get(".".join(each)) and each not in heirs]
    others = [each for each in names() if each not in same]
    same += (failing := [each for each in others if not working_uses(*each)])
    print(f"{len(others) - len(failing)} of {len(names())} classes are measured", file=sys.stderr, flush=True)
    print(f"fail in every use: {', '.join(name for _, name in failing) or 'none'}", file=sys.stderr, flush=True)
    known = {each: known_values(*each) for each in same}
    return described(measured_all([each for each in others if each not in failing]), known)


def known_values(kind: Kind, name: str) -> dict[str, Any]:
    """Return the values of a class in the next newer version, of the arguments that it has in the installed one."""
    entry = catalog.find(kind, name)
    assert entry is not None
    known: dict[str, Any] = catalog_files.read_newer("values.json")["kinds"][kind][name]
    return {argument: said for argument, said in known.items() if argument in entry.arguments}


def main() -> int:
    options = [each for each in sys.argv[1:] if each.startswith("-")]
    only = [each for each in sys.argv[1:] if each not in options]
    if "--fingerprints" in options:
        print(json.dumps(fingerprints(), indent=1))
        return 0
    if "--like" in options:
        newer = json.loads(Path(only[0]).read_text(encoding="utf-8"))
        catalog_files.write("values.json", measured_like(newer), text_of)
        return 0
    found = described(measured_all([each for each in names() if not only or each[1] in only]))
    there = catalog_files.read("values.json") if only or "--check" in options else {"kinds": {}}
    stale = [
        (kind, name)
        for kind, classes in found["kinds"].items()
        for name, values in classes.items()
        if there["kinds"].get(kind, {}).get(name) != values
    ]
    if not only:
        stale += [
            (kind, name)
            for kind, classes in there["kinds"].items()
            for name in {*classes} - {*found["kinds"].get(kind, {})}
        ]
    if "--check" in options:
        said = ", ".join(name for _, name in stale)
        print(f"stale: {said}; run python scripts/make_values.py" if stale else "values.json is up to date")
        return int(bool(stale))
    if only:
        kinds = dict(there["kinds"])
        for kind, name in stale:
            kinds[kind] = {**kinds[kind], name: found["kinds"][kind][name]}
        found = {**there, "kinds": kinds}
    catalog_files.write("values.json", found, text_of)
    return 0


if __name__ == "__main__":
    sys.exit(main())

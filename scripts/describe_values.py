"""What an argument takes, from trials: a battery of values goes in, a short description of the accepted ones comes out.

A description maps each sort of value that is taken to its limits, and a sort that it lacks is refused:

    {"int": {"min": 1}} · {"number": {"above": 0, "max": 1}, "null": true} · {"words": ["valid", "same"]}
    {"int": {}, "list": {"lengths": [2], "items": {"int": {}}}} · {} takes nothing, and None takes everything

A limit is stated where the trials prove it, else the value is taken: what fails when a thing is used, but not when it
is constructed, may be wrong for the tensors of the trial alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tests.trials import Outcome

Attempt = Callable[[Any], Outcome]

INTS = (-1000, -2, -1, 0, 1, 2, 3, 4, 8, 9, 255, 256, 1000)
FLOATS = (
    *(-1000.5, -2.0, -1.001, -1.0, -0.999, -0.5, -0.001, 0.0, 0.001, 0.5, 0.999, 1.0, 1.001, 1.5, 2.0, 2.5),
    *(3.0, 255.0, 255.001, 256.0, 1000.5),
)
ITEM_INTS = (-1000, -1, 0, 1, 2, 3, 1000)
ITEM_FLOATS = (-1000.5, -1.001, -0.999, -0.5, -0.001, 0.001, 0.5, 0.999, 1.001, 1.5, 2.0, 1000.5)
NONSENSE = "no such word"
SEPARATORS = (",", ";", "|", "\t")
"""Where all of these are taken, and no text is, a character is meant."""
LENGTHS = range(6)
DEEPEST = 2
MAPPINGS: tuple[dict[str, Any], ...] = ({"a": 1}, {"0": 1.0}, {"a": "b"}, {"0": [1]})
UNLIKE_OBJECTS: tuple[Any, ...] = (True, 1, 0.5, [1], [0.5], [0.5, 0.5])
ANYTHING: tuple[Any, ...] = (
    NONSENSE,
    {"a": 1},
    None,
    -1000,
    -0.5,
    True,
    False,
    [],
    ["a", "b", "c", "d"],
    [[1, 1]],
    [{}],
    [None],
)
USUAL_LISTS: list[list[Any]] = [
    *([each] * length for each in (1, 0.5, "a") for length in (1, 2, 3)),
    *([1, 2], [0, 1], [2, 1], [1, 2, 3], [3, 2, 1], [0.1, 0.2, 0.3], ["a", "b"], [True]),
    *([[1, 1]], [[1, 1], [1, 1]], [[0.5, 0.5]], [None], [None, 2]),
]


@dataclass(frozen=True)
class Hints:
    """What is known of an argument beforehand.

    words: the texts that may mean something; documented: those that its own documentation quotes. used: its values in
    known uses. is_object: texts and mappings stand for objects, and are not tried.
    """

    words: Sequence[str] = ()
    documented: Sequence[str] = ()
    used: Sequence[Any] = ()
    is_object: bool = False


def describe(attempt: Attempt, hints: Hints, depth: int = 0) -> dict[str, Any] | None:
    """What `attempt` takes; None where it takes all there is."""
    attempt = cache_by_text(attempt)
    if all(attempt(value) is Outcome.TAKEN for value in ANYTHING):
        return None
    if hints.is_object and Outcome.TAKEN not in map(attempt, UNLIKE_OBJECTS):
        return {"null": True} if attempt(None) is not Outcome.REFUSED else {}
    found: dict[str, Any] = {}
    if attempt(None) is Outcome.TAKEN:
        found["null"] = True
    found |= _truths(attempt)
    found |= _numbers(attempt, is_item=depth > 0)
    if depth < DEEPEST:
        found |= _lists(attempt, hints, depth)
    if hints.is_object:
        return found
    found |= _texts(attempt, hints)
    if any(attempt(value) is Outcome.TAKEN for value in MAPPINGS):
        found["mapping"] = True
    return found


def cache_by_text(attempt: Attempt) -> Attempt:
    """`attempt`, asked once for each value: `1`, `1.0` and `true` are three."""
    known: dict[str, Outcome] = {}

    def ask(value: Any) -> Outcome:
        key = repr(value)
        if key not in known:
            known[key] = attempt(value)
        return known[key]

    return ask


def _truths(attempt: Attempt) -> dict[str, Any]:
    """Which truth values are taken: the other one of a pair as well, unless the constructor refuses it.

    That false alone is taken says nothing: where Keras asks `if value:`, it is as good as nothing.
    """
    outcomes = {value: attempt(value) for value in (True, False)}
    if outcomes[True] is Outcome.TAKEN:
        return {"bool": True} if outcomes[False] is not Outcome.REFUSED else {"bool": [True]}
    if outcomes[False] is Outcome.TAKEN and outcomes[True] is Outcome.UNUSABLE:
        return {"bool": True}
    return {}


def _numbers(attempt: Attempt, *, is_item: bool) -> dict[str, Any]:
    ints = {value: attempt(value) for value in (ITEM_INTS if is_item else INTS)}
    floats = {value: attempt(value) for value in (ITEM_FLOATS if is_item else FLOATS)}
    takes_ints = any(outcome is Outcome.TAKEN for value, outcome in ints.items() if value)
    broken = {value: outcome for value, outcome in floats.items() if value != int(value)}
    takes_floats = Outcome.TAKEN in broken.values()
    whole = {value: outcome for value, outcome in floats.items() if value and value == int(value)}
    takes_whole = Outcome.TAKEN in whole.values() and all(
        outcome is Outcome.TAKEN for value, outcome in whole.items() if ints.get(int(value)) is Outcome.TAKEN
    )
    if takes_ints and takes_floats:
        return {"number": _limits(ints | broken, whole=False)}
    found: dict[str, Any] = {}
    if takes_ints:
        found["int"] = _limits(ints, whole=True)
        if takes_whole:
            found["whole_float"] = True
    elif takes_floats or takes_whole:
        found["float"] = _limits(floats, whole=False)
    return found


def _limits(outcomes: dict[Any, Outcome], *, whole: bool) -> dict[str, float]:
    """The limits beyond which nothing is taken: those that the constructor draws, and a least size of 0 or 1.

    A limit is known where two neighbours part; a highest whole number often fits another argument, and is left out.
    """
    line = sorted(outcomes)
    possible = [value for value in line if outcomes[value] is not Outcome.REFUSED]
    taken = [value for value in line if outcomes[value] is Outcome.TAKEN]
    lowest = taken[0] if len(taken) > 1 and taken[0] in (0, 0.001, 1) else possible[0]
    found: dict[str, float] = {}
    if lowest != line[0] and lowest <= 2:
        limit = _limit(line[line.index(lowest) - 1], lowest, whole)
        if limit is not None:
            found["min" if limit == lowest else "above"] = limit
    highest = possible[-1]
    if highest != line[-1] and not whole:
        limit = _limit(highest, line[line.index(highest) + 1], whole)
        if limit is not None:
            found["max" if limit == highest else "below"] = limit
    return found


def _limit(low: float, high: float, whole: bool) -> int | None:
    """The whole number at which two neighbours part; None where it is not known."""
    if whole:
        return int(high) if high - low == 1 else None
    return next((int(each) for each in (low, high) if each == int(each)), None) if high - low < 0.01 else None


def _texts(attempt: Attempt, hints: Hints) -> dict[str, Any]:
    """Any text, or the words that are taken. A text in use that is no word shows a notation of its own."""
    notations = [each for each in hints.used if isinstance(each, str) and each not in (*hints.words, *hints.documented)]
    notations = [each for each in notations if each not in SEPARATORS]
    if any(attempt(text) is Outcome.TAKEN for text in (NONSENSE, *notations)):
        return {"text": True}
    if hints.used and all(attempt(text) is Outcome.TAKEN for text in SEPARATORS):
        return {"character": True}
    taken = [word for word in dict.fromkeys([*hints.words, *hints.documented]) if attempt(word) is Outcome.TAKEN]
    if not taken:
        return {}
    taken += [word for word in dict.fromkeys(hints.documented) if attempt(word) is Outcome.UNUSABLE]
    upper = [word for word in taken if word != word.upper()]
    if upper and all(attempt(word.upper()) is Outcome.TAKEN for word in upper):
        return {"words": sorted({word.lower() for word in taken}), "any_case": True}
    return {"words": sorted(taken)}


def _lists(attempt: Attempt, hints: Hints, depth: int) -> dict[str, Any]:
    usual = [*USUAL_LISTS, *(each for each in hints.used if isinstance(each, list))]
    if not any(attempt(each) is Outcome.TAKEN for each in usual):
        return {}
    outcomes = {repr(each): (each, attempt(each)) for each in [*usual, *_probes()]}
    taken = [each for each, outcome in outcomes.values() if outcome is Outcome.TAKEN and each]
    lengths = sorted({len(each) for each in taken})
    refused = [length for length in LENGTHS if length and length not in lengths]
    surely = all(outcome is Outcome.REFUSED for each, outcome in outcomes.values() if len(each) in refused)
    found: dict[str, Any] = {}
    if attempt([]) is Outcome.REFUSED and lengths[:4] == [1, 2, 3, 4]:
        found["at_least"] = 1
    elif refused and surely and len(lengths) < LENGTHS.stop - 2 and lengths[-1] < LENGTHS.stop - 1:
        found["lengths"] = lengths
    seeds = _varied(taken)
    nests = any(isinstance(item, list) for each in taken for item in each)

    def item(value: Any) -> Outcome:
        best = Outcome.REFUSED
        for seed in seeds:
            for form in ([value] * len(seed), [value, *seed[1:]], [*seed[:-1], value]):
                best = max(best, attempt(form))
                if best is Outcome.TAKEN:
                    return best
        return best

    items = describe(item, Hints(), depth + 1 if nests else DEEPEST)
    if items is not None:
        found["items"] = items
    return {"list": found}


def _varied(seeds: list[Any]) -> list[Any]:
    """A few of the lists: the first of each length and sort of items, the most usual lengths first."""
    kept: dict[Any, Any] = {}
    for seed in sorted(seeds, key=lambda each: abs(len(each) - 2)):
        kept.setdefault((len(seed), type(seed[0])), seed)
    return list(kept.values())[:3]


def _probes() -> list[list[Any]]:
    same = [[each] * length for each in (1, 2, 0, -1, 0.5, True, "a", None) for length in LENGTHS]
    rising = [list(range(start, start + length)) for start in (0, 1) for length in LENGTHS if length > 1]
    falling = [list(range(length, 0, -1)) for length in LENGTHS if length > 1]
    parts = [[round(0.1 * each, 1) for each in range(1, length + 1)] for length in LENGTHS if length > 1]
    texts = [["a", "b", "c", "d", "e"][:length] for length in LENGTHS if length > 1]
    nested: list[list[Any]] = [*([[1, 1]] * length for length in LENGTHS if length), [[0.5, 0.5]] * 2]
    others: list[list[Any]] = [[[1]], [["a"]], [[1, 2, 3]], [{}], [{"a": 1}], [0, 1], [-1, 1], [4, -1], [-0.5, 0.5]]
    gaps: list[list[Any]] = [[0.0, 0.5], [None, 2], [None, 4], [None, 1, 6]]
    return [*same, *rising, *falling, *parts, *texts, *nested, *others, *gaps]

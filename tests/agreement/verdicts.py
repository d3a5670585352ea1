"""One mutated spec, put to `graphspec validate` and to Keras: what each says, and whether they agree.

In: the folder of specs, a seed and a number. Out: an `Outcome`, plain data that goes between processes and into JSON.
"""

from __future__ import annotations

import random
import re
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, TypeVar

from graphspec.diagnostics import Diagnostic, Report
from graphspec.spec import inspect

from .mutate import Mutation, mutate

if TYPE_CHECKING:
    from .naive import Answer

ON_PURPOSE: tuple[tuple[str, str, str], ...] = (
    ("GS006", "", "a spec of a size that no machine builds"),
    ("GS101", "in `(float|int)`", "a search is not for Keras, which never reads it"),
    ("GS102", "`(float|int)` has no", "a search is not for Keras, which never reads it"),
    ("GS103", "", "the words `yes` and `no`, and numbers in quotes, are text: Keras takes any text as true"),
    ("GS104", "", "the language bounds a value that Keras does not: a size of 0, a negative loss weight"),
    ("GS202", "", "an argument that Keras takes and drops in silence, as some of its constructors do"),
    ("GS205", "", "a layer or callback carries code"),
    ("GS206", "", "a list stands for a loss: Keras hands its parts to parts of the output"),
    ("GS207", "", "a name of Keras that builds and fails later, or a base class"),
    ("GS210", "", "a shared layer is held by a wrapper that copies it"),
    ("GS213", "`true` or `false`", "something else stands for a truth value: Keras takes nearly all as true"),
    ("GS213", "is `(true|false)`", "a truth value stands for a number: Keras counts with it as 1 or 0"),
    ("GS213", "an entry of `target_shape` of `Reshape`", "a size is no whole number: Keras takes anything, unlike "
     "what it documents"),
    ("GS213", r"3\.40282e\+38", "a number that float32 does not hold: Keras makes infinity of it"),
    ("GS213", "`(monitor|patience)` of ", "a callback would wait for what no training reports: Keras takes anything"),
    ("GS213", "`epsilon` of .*Normalization` is empty", "nothing stands for a number: Keras builds it, and fails at "
     "the first batch"),
    ("GS304", "", "two layers would bear one name, and weights are found by names"),
    ("GS308", "", "a merge of one tensor merges nothing"),
    ("GS405", "the input .* of the model", "a model is given another shape than it declares: Keras leaves out a "
     "last axis of 1, builds, and fails at the first batch"),
    ("GS430", "broadcasts .* over the batch", "what has no batch meets the batch as an axis: Keras builds it, and "
     "mixes samples or fails"),
    ("GS435", "", "a trained output has lost the batch: Keras builds it, and fails at the first batch"),
    ("GS436", "", "a trained output of whole numbers has no gradient: Keras builds it, and trains nothing"),
    ("GS501", "", "an output has no loss: Keras silently never trains it"),
    ("GS502", "", "a loss does not fit its output: Keras trains it to nonsense"),
    ("GS503", "", "the shipped targets no longer have the shape of their output"),
    ("GS505", "", "a share of the shipped data leaves no sample"),
    ("GS506", "", "weights of classes or samples are given for an output without a loss, or without classes"),
    ("GS507", "", "a callback monitors what the training does not report"),
    ("GS508", "", "everything is frozen"),
    ("GS509", "", "an entry of `freeze` matches no layer"),
    ("GS513", "", "a search is not for Keras, and optuna takes other types than it annotates"),
    ("GS605", "", "the shipped data no longer has the shape of its input"),
    ("GS606", "", "the shipped data no longer has the dtype of its input"),
    ("GS607", "", "the data no longer names the model's inputs and outputs"),
    ("GS612", "", "an `Embedding` has fewer indices than the layer before it: Keras fails at the first word"),
)  # fmt: skip
"""Where graphspec refuses what Keras builds and compiles without a word: the rule, what its words hold, and why."""

MAX_SECONDS = 30
"""Seconds that either may take."""


@dataclass(frozen=True)
class Outcome:
    """What was said of one mutation. verdict is one of `VERDICTS`."""

    number: int
    spec: str
    kind: str
    what: str
    verdict: str
    names_line: bool
    codes: list[str]
    findings: list[str]
    by: str
    why: str
    lines: list[int]
    purposes: list[str]


VERDICTS = {
    "both yes": "both take it",
    "both no": "both refuse it",
    "on purpose": "graphspec alone refuses it, by a rule that guards what Keras lets pass",
    "too strict": "graphspec alone refuses it",
    "missed": "Keras alone refuses it",
    "failed": "one of the two came to no verdict",
}
AGREED = ("both yes", "both no")


T = TypeVar("T")


class TookTooLongError(Exception):
    """A verdict took longer than MAX_SECONDS."""


def shipped(folder: Path) -> list[Path]:
    """The specs below `folder`, in their order."""
    return sorted(folder.rglob("*.yaml"))


def draw(folder: Path, seed: int, number: int) -> tuple[Path, Mutation]:
    """Mutation `number` of `seed`: a spec, and its mutated text."""
    rng = random.Random(f"{seed}:{number}")
    path = rng.choice(shipped(folder))
    return path, mutate(path.read_text(encoding="utf-8"), rng)


def judge(folder: Path, scratch: Path, seed: int, number: int) -> Outcome:
    """Put mutation `number` to both. scratch: a copy of `folder`, in which mutated specs find their data."""
    from .naive import ask  # brings TensorFlow

    path, mutation = draw(folder, seed, number)
    name = path.relative_to(folder)
    place = (scratch / name).with_name(f"{path.stem}~{seed}-{number}.yaml")
    place.write_text(mutation.text, encoding="utf-8")
    try:
        report, failed = _within(lambda: inspect(place, data=True)[1])
        answer, failed_too = _within(lambda: ask(place))
        if report is not None and answer is not None and answer.yes and not all(map(purpose, report.errors)):
            answer = _computed(path, place) or answer
    finally:
        place.unlink()
    codes = sorted({each.rule.code for each in report.errors}) if report is not None else []
    if report is None or answer is None:
        verdict = "failed"
    elif bool(report.errors) != answer.yes:
        verdict = "both no" if report.errors else "both yes"
    elif report.errors:
        verdict = "on purpose" if all(map(purpose, report.errors)) else "too strict"
    else:
        verdict = "missed"
    return Outcome(
        number,
        str(name),
        mutation.kind,
        mutation.what,
        verdict,
        report is not None and _names(report, mutation),
        codes,
        [_shown(each) for each in report.errors] if report is not None else [failed],
        answer.by if answer is not None else "",
        answer.why if answer is not None else failed_too,
        sorted(mutation.lines),
        sorted({f"{each.rule.code} {purpose(each)}" for each in report.errors})
        if report is not None and verdict == "on purpose"
        else [],
    )


def _computed(path: Path, mutated: Path) -> Answer | None:
    """What Keras says when the model shall compute; None where it cannot compute that of the sound spec."""
    from .naive import ask

    sound, _ = _within(lambda: ask(path, computes=True))
    return _within(lambda: ask(mutated, computes=True))[0] if sound is not None and sound.yes else None


def purpose(finding: Diagnostic) -> str:
    """Why graphspec refuses it, where that is more than Keras does; empty where it is not known."""
    words = f"{finding.message} {finding.expected}"
    return next((why for code, held, why in ON_PURPOSE if code == finding.rule.code and re.search(held, words)), "")


def _names(report: Report, mutation: Mutation) -> bool:
    """Whether an error points into the mutated lines: itself, or by a label or the step that uses its place.

    Of something taken out no line is left: its holder, or a line that still writes a name of it, stands for it.
    """
    wanted = set(mutation.lines)
    if mutation.gone:
        words = re.compile(rf"(?<![\w-])({'|'.join(map(re.escape, mutation.gone))})(?![\w-])")
        wanted |= {number for number, line in enumerate(mutation.text.split("\n"), 1) if words.search(line)}
    return any(line in wanted for each in report.errors for line in _lines(each))


def _lines(finding: Diagnostic) -> Iterator[int]:
    """The lines that a finding shows: of itself, of the step that uses its place, of its labels."""
    for span in (finding.span, *(label.span for label in finding.labels)):
        while span is not None:
            yield span.line
            span = span.via


def _shown(finding: Diagnostic) -> str:
    where = f"{finding.span.line}:{finding.span.column}" if finding.span is not None else "nowhere"
    labels = "".join(f" [{label.span.line}: {label.text}]" for label in finding.labels)
    return f"{where} {finding.rule.code} {finding.message}{labels}"


def _within(work: Callable[[], T]) -> tuple[T | None, str]:
    """What `work` gives; or nothing, with the reason, where it fails or takes too long."""
    try:
        with _alarm():
            return work(), ""
    except Exception as error:
        return None, f"{type(error).__name__}: {error}"


@contextmanager
def _alarm() -> Iterator[None]:
    def stop(_number: int, _frame: FrameType | None) -> None:
        raise TookTooLongError(f"more than {MAX_SECONDS} seconds")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(MAX_SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)

"""Text → a path below a run directory where a training may write, on any file system.

Only the text is checked; `run_directory.links` checks the real folder.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from string import Formatter

RECORD, LOCK, SPEC, PROVENANCE = "run.json", "lock.json", "spec.yaml", "provenance.json"
METRICS, TABLE, LOG = "metrics.jsonl", "metrics.csv", "log.txt"
MODEL, BEST = "model.keras", "best.keras"
VOCABULARIES, ADAPTED = "vocabularies.json", "adapted.json"
LEARNING_RATES = "learning_rates.json"
CHECKPOINTS, INCLUDED = "checkpoints", "included"
HELD = ".held"
MLFLOW, MLFLOW_RUN = "mlflow", "mlflow.json"
STUDY = "study.json"
"""The record of a study, in the folder of the study."""
REPORT, EXPORTS = "report.html", "export"
WORKERS = "workers"
"""The folder of the logs of workers, which `graphspec launch` makes before the run begins."""

UNFINISHED = ".writing-"
"""The prefix of files that are being written; a killed process leaves them behind."""

PARTS = (
    *(RECORD, LOCK, SPEC, PROVENANCE, METRICS, TABLE, LOG),
    *(VOCABULARIES, ADAPTED, CHECKPOINTS, INCLUDED, HELD),
)
"""Files and folders that must stay in a run directory while its training runs."""

KEPT = (*PARTS, MODEL, BEST, MLFLOW, MLFLOW_RUN, LEARNING_RATES, REPORT, EXPORTS, WORKERS)
"""The names that graphspec uses in a run directory, where no callback may write."""

MAX_NAME, MAX_PATH, MAX_DEPTH = 255, 1_000, 20
"""The maximum bytes of a name, bytes of a path, and names of a path in the run."""

_EXAMPLE = "{epoch:02d}"

_NUMBER = "\ue000"  # a placeholder for an unknown number; no path may hold the character itself
_REFUSED_CATEGORIES = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
_IGNORABLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
"""Unicode's Default_Ignorable_Code_Point, which file systems leave out of names."""
_FIELD = re.compile(r"[^.\[\]{}!:/\\]{1,200}")
_FORMAT = re.compile(r"[+-]?0?[0-9]{0,2}(?:\.[0-9]{1,2})?[deEfFgG]?")
_NUMERIC = re.compile(rf"[-+. e0-9{_NUMBER}]+")
_HAS_NUMBER = re.compile(rf"[0-9{_NUMBER}]")


class UnsafePathError(ValueError):
    """A text that is not a path to write to; `reason` is a predicate, such as `is a URL`."""

    def __init__(self, reason: str, help: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.help = help


@dataclass(frozen=True, slots=True)
class Placeholder:
    """A name in braces with the format of its number."""

    name: str
    format: str

    def __str__(self) -> str:
        return f"{{{self.name}:{self.format}}}" if self.format else f"{{{self.name}}}"

    def fits(self, number: float) -> bool:
        """Return whether `number` has this format."""
        try:
            format(number, self.format)
        except ValueError:
            return False
        return True


@dataclass(frozen=True, slots=True)
class RunPath:
    """A path within a run directory, with names normalised as file systems compare them."""

    names: tuple[str, ...]
    placeholders: tuple[Placeholder, ...] = ()

    @property
    def key(self) -> str:
        """The path as text; two paths with the same key are the same file on some file system."""
        return "/".join(self.names)

    @property
    def loose_key(self) -> str:
        """The key without its numbers; the same for paths that placeholders can make equal."""
        return _NUMERIC.sub(lambda run: _NUMBER if _HAS_NUMBER.search(run[0]) else run[0], self.key)

    def below(self, name: str) -> RunPath:
        """Return the path of `name` in this folder."""
        return RunPath((*self.names, _normalised(name)), self.placeholders)


def run_path(text: str, *, takes_placeholders: bool = False, shared: str = "") -> RunPath:
    """Read the path that a callback writes to, relative to the run directory.

    Args:
        text: The path as the spec writes it.
        takes_placeholders: Whether numbers are filled in for names in braces.
        shared: A name of graphspec in the run to which the callback may write too.

    Raises:
        UnsafePathError: The path leaves the run on some file system, is graphspec's own, or cannot be a path.
    """
    if len(text.encode(errors="replace")) > MAX_PATH:
        raise UnsafePathError(f"is a path of more than {MAX_PATH} bytes", "shorten it")
    _check_characters(text)
    filled, placeholders = _filled(text) if takes_placeholders else (_without_braces(text), ())
    template = re.sub(f"{_NUMBER}[^{_NUMBER}]*{_NUMBER}", _NUMBER, filled)
    _check_form(template)
    names = tuple(_normalised(name) for name in template.split("/") if name not in ("", "."))
    _check_names(names, tuple(name for name in filled.split("/") if name not in ("", ".")))
    if names[0] in _KEPT_KEYS and names != (_normalised(shared),):
        kept = _KEPT_KEYS[names[0]]
        raise UnsafePathError(f"is `{kept}`, which graphspec itself keeps in the run", "choose another name")
    return RunPath(names, placeholders)


def _check_characters(text: str) -> None:
    text = text + unicodedata.normalize("NFKC", text)
    if _IGNORABLE.search(text) or any(unicodedata.category(each) in _REFUSED_CATEGORIES for each in text):
        raise UnsafePathError("holds an invisible character", "write the path in plain letters")
    if "\\" in text:
        raise UnsafePathError("holds a backslash, which some systems take for `/`", "write `/` between folders")
    if "~" in text:
        raise UnsafePathError("holds `~`, which stands for another folder or file on some systems", "leave `~` out")


def is_url(text: str) -> bool:
    """Return whether `text` names a file on another machine, or in one of TensorFlow's own file systems."""
    return re.match(r"[A-Za-z][A-Za-z0-9+.-]+:/", text.strip()) is not None


def _check_form(template: str) -> None:
    """Refuse paths that leave the run, and URLs."""
    if is_url(template):
        raise UnsafePathError("is a URL, but a training writes only into its run directory", "name a file of the run")
    if ":" in template:
        raise UnsafePathError("holds `:`, which marks a drive or a stream on some systems", "leave `:` out")
    if template.startswith("/"):
        raise UnsafePathError(
            "is an absolute path, but a training writes only into its run directory", _beside(template)
        )
    if ".." in template.split("/"):
        raise UnsafePathError("holds `..`, but a training writes only into its run directory", _beside(template))


def _beside(template: str) -> str:
    """Return help that names the file of the same name in the run."""
    name = template.rstrip("/").rpartition("/")[2]
    is_free = name.strip(". ") and _NUMBER not in name and _normalised(name) not in _KEPT_KEYS
    return f"write `{name}`, which is then in the run" if is_free else "name a file of the run, such as `log.csv`"


def _check_names(names: tuple[str, ...], filled: tuple[str, ...]) -> None:
    """Refuse names that a file system changes, and those that graphspec uses."""
    if len(names) > MAX_DEPTH:
        raise UnsafePathError(f"holds more than {MAX_DEPTH} names", "write fewer folders")
    if not names:
        raise UnsafePathError("names no file within the run directory", "name one, such as `log.csv`")
    for name in (*filled, *names):
        if name != name.strip() or name.endswith("."):
            raise UnsafePathError("has a name that begins or ends with a space, or ends with a dot", "leave it out")
        if len(name.replace(_NUMBER, "").encode()) > MAX_NAME:
            raise UnsafePathError(f"has a name of more than {MAX_NAME} bytes, which no file can have", "shorten it")
    if any("/" in name or name in (".", "..") for name in names):
        raise UnsafePathError("holds a letter that some systems take for `/` or `.`", "write the path in plain letters")
    if any(name.startswith(UNFINISHED) for name in names):
        raise UnsafePathError(
            f"has a name that begins with `{UNFINISHED}`, as files of graphspec do while they are written",
            "choose another name",
        )


def _normalised(name: str) -> str:
    """Return `name` in the form in which case-insensitive file systems compare it.

    Some compare lower case, others upper case, for which `ı` is an `i`.
    """
    folded = unicodedata.normalize("NFKC", name).upper().casefold().replace("i\u0307", "i")
    return unicodedata.normalize("NFKC", folded)


_KEPT_KEYS = {_normalised(name): name for name in KEPT}


def _without_braces(text: str) -> str:
    if "{" in text or "}" in text:
        raise UnsafePathError("holds a brace, but takes no placeholders", "leave the braces out")
    return text


def _filled(text: str) -> tuple[str, tuple[Placeholder, ...]]:
    """Return `text` with a marked number for each placeholder, and the placeholders."""
    try:
        parts = list(Formatter().parse(text))
    except ValueError:
        raise UnsafePathError("has an unmatched brace", f"write placeholders as `{_EXAMPLE}`") from None
    filled, placeholders = [], []
    for literal, name, spec, conversion in parts:
        filled.append(literal)
        if name is None:
            continue
        is_plain = _FIELD.fullmatch(name) and not name.isdigit() and conversion is None
        if not is_plain or not _FORMAT.fullmatch(spec or ""):
            written = f"{name}{f'!{conversion}' if conversion else ''}{f':{spec}' if spec else ''}"
            raise UnsafePathError(
                f"holds `{{{written[:40]}}}`, which is not a simple placeholder",
                f"write a name with at most two digits of width and precision: `{_EXAMPLE}`, `{{val_loss:.2f}}`",
            )
        placeholder = Placeholder(name, spec or "")
        placeholders.append(placeholder)
        number = next((each for each in (1, 0.5) if placeholder.fits(each)), None)
        if number is None:
            raise UnsafePathError(f"holds `{placeholder}`, which is not a number format", f"write `{_EXAMPLE}`")
        filled.append(f"{_NUMBER}{format(number, placeholder.format)}{_NUMBER}")
    return "".join(filled), tuple(placeholders)

"""Where callbacks write: within the run, over no file of graphspec's own, and no two of them over the same.

The text of each path decides, before there is a run. `run_directory.links` looks at the real folder when there is one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from graphspec import catalog
from graphspec.catalog.arguments import CALLBACK_PATHS, CALLBACK_WRITES, FILE_NAMES
from graphspec.checks.context import Subject
from graphspec.checks.monitors import reported_names
from graphspec.diagnostics import Diagnostic, Label, Span
from graphspec.diagnostics.rules import UNSAFE_PATH
from graphspec.diagnostics.suggest import did_you_mean, kind_of, one_of
from graphspec.language.graph import Object
from graphspec.language.schema import TrainingModel
from graphspec.run_paths import BEST, RunPath, UnsafePathError, run_path

EXPECTED = "a path within the run directory, such as `log.csv`"


def check_written_paths(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for every path of a callback that a training must not write to."""
    if subject.training is None or subject.settings is None:
        return
    reported = _reported(subject)
    claims = _Claims()
    callbacks = subject.training.callbacks
    has_learning_rate = False
    for callback in callbacks:
        for argument, text in written_paths(callback).items():
            path = _read(callback, argument, text, shared_name(callback, subject.settings))
            if isinstance(path, Diagnostic):
                yield path
                continue
            if reported is not None and path.placeholders and callback.name in CALLBACK_WRITES:
                names = [*reported, *(["learning_rate"] if has_learning_rate else [])]
                yield from _unknown_name(callback, argument, path, _offered(callback, names))
            yield from claims.add(callback, argument, path)
        yield from _file_names(callback)
        has_learning_rate = has_learning_rate or callback.name == "ReduceLROnPlateau"


def written_paths(callback: Object) -> dict[str, Any]:
    """Return where `callback` writes, by argument, as the spec writes it or as Keras has it by default.

    A plugin's callback is code that nobody can look into; of it these are the texts that are put below the run.
    """
    known = CALLBACK_WRITES.get(callback.name)
    if known is None:
        written = callback.arguments.items()
        return {name: value for name, value in written if name in CALLBACK_PATHS and isinstance(value, str)}
    entry = catalog.find("callbacks", callback.name)
    default = entry.arguments.get(known.argument) if entry is not None else None
    return {known.argument: callback.arguments.get(known.argument, default)}


def takes_placeholders(callback: Object) -> bool:
    """Return whether numbers are filled in for names in braces, as a plugin's callback may do for all one knows."""
    known = CALLBACK_WRITES.get(callback.name)
    return known is None or known.takes_placeholders


def _read(callback: Object, argument: str, text: Any, shared: str) -> RunPath | Diagnostic:
    span = callback.span_of(argument)
    if not isinstance(text, str):
        return _unsafe(callback, argument, f"is {kind_of(text)}, not a path", span, "write a text such as `log.csv`")
    try:
        return run_path(text, takes_placeholders=takes_placeholders(callback), shared=shared)
    except UnsafePathError as error:
        help = error.help
        if text == BEST and callback.name == "ModelCheckpoint":
            help = (
                "write another name; `training: checkpoint: {monitor: ...}` says which model the run keeps as its best"
            )
        return _unsafe(callback, argument, error.reason, span, help)


def shared_name(callback: Object, settings: TrainingModel) -> str:
    """Return `best.keras` where `callback` keeps the very model that the run itself keeps so; else nothing."""
    checkpoint, given = settings.checkpoint, callback.arguments
    monitor = (checkpoint.monitor if checkpoint is not None else None) or "val_loss"
    is_same = (
        callback.name == "ModelCheckpoint"
        and given.get("save_best_only") is True
        and not given.get("save_weights_only", False)
        and given.get("save_freq", "epoch") == "epoch"
        and given.get("monitor", "val_loss") == monitor
        and given.get("mode", "auto") == "auto"
    )
    return BEST if is_same else ""


def _reported(subject: Subject) -> dict[str, Object | None] | None:
    """Return every metric that is there at the end of each epoch; None where that is not known."""
    assert subject.settings is not None
    if any(output.is_faulty for output in subject.graph.outputs.values()):
        return None
    data = subject.data
    validates = data is None or data.validation is not None or data.held_out > 0
    each_epoch = validates and subject.settings.validation_freq == 1
    return reported_names(subject.graph.outputs, validates=each_epoch)


def _offered(callback: Object, reported: Iterable[str]) -> list[str]:
    """Return the names that Keras fills into a path of `callback`: after an epoch, or after a number of batches."""
    if callback.arguments.get("save_freq", "epoch") == "epoch":
        return ["epoch", *reported]
    return ["epoch", "batch", *(name for name in reported if not name.startswith("val_") and name != "learning_rate")]


def _unknown_name(callback: Object, argument: str, path: RunPath, offered: list[str]) -> Iterator[Diagnostic]:
    for placeholder in path.placeholders:
        example = 1 if placeholder.name in ("epoch", "batch") else 0.5
        if placeholder.name not in offered:
            reason = f"fills in `{placeholder.name}`, which is not known when the file is written"
            help = did_you_mean(placeholder.name, offered, f"known are {one_of(offered)}")
        elif not placeholder.fits(example):
            reason = f"holds `{placeholder}`, and `{placeholder.name}` is no whole number"
            help = f"write `{{{placeholder.name}:.2f}}`"
        else:
            continue
        yield _unsafe(callback, argument, reason, callback.span_of(argument), help, "a name that Keras fills in")
        return


def _file_names(callback: Object) -> Iterator[Diagnostic]:
    """Yield a finding for every name of a file, for another program to open, that leads out of its folder."""
    for argument in FILE_NAMES if callback.name in CALLBACK_WRITES else ():
        given = callback.arguments.get(argument)
        for text in given.values() if isinstance(given, dict) else [given]:
            try:
                if isinstance(text, str):
                    run_path(text)
            except UnsafePathError as error:
                yield _unsafe(callback, argument, error.reason, callback.span_of(argument), error.help)


def _unsafe(
    callback: Object, argument: str, reason: str, span: Span, help: str, expected: str = EXPECTED
) -> Diagnostic:
    return Diagnostic(UNSAFE_PATH, f"`{argument}` of `{callback.name}` {reason}", span, expected, help)


class _Claims:
    """What the callbacks so far write to: paths, and the folders that these lie in.

    A path with placeholders is compared by its loose key, with every number left open.
    """

    def __init__(self) -> None:
        self.exact: dict[str, Object] = {}
        self.exact_folders: dict[str, Object] = {}
        self.loose: dict[str, Object] = {}
        self.loose_folders: dict[str, Object] = {}
        self.open: dict[str, Object] = {}
        self.open_folders: dict[str, Object] = {}

    def add(self, callback: Object, argument: str, path: RunPath) -> Iterator[Diagnostic]:
        """Note what `callback` writes at `path`, with a finding where another one writes there."""
        known = CALLBACK_WRITES.get(callback.name)
        claimed = [path.below(name) for name in known.entries] if known is not None and known.entries else [path]
        other = next((found for each in claimed if (found := self._other(each)) is not None), None)
        if other is not None:
            yield Diagnostic(
                UNSAFE_PATH,
                f"`{argument}` of `{callback.name}` leads to what `{other.name}` writes",
                callback.span_of(argument),
                "a path of its own",
                "choose another name",
                (Label(other.span, "this writes there too"),),
            )
        for each in claimed:
            self._note(callback, each)

    def _other(self, path: RunPath) -> Object | None:
        if path.placeholders:
            return _met(path.loose_key, self.loose, self.loose_folders)
        exactly = _met(path.key, self.exact, self.exact_folders)
        return exactly or _met(path.loose_key, self.open, self.open_folders)

    def _note(self, callback: Object, path: RunPath) -> None:
        _put(path.loose_key, callback, self.loose, self.loose_folders)
        if path.placeholders:
            _put(path.loose_key, callback, self.open, self.open_folders)
        else:
            _put(path.key, callback, self.exact, self.exact_folders)


def _met(key: str, files: dict[str, Object], folders: dict[str, Object]) -> Object | None:
    """Return who writes a file at `key`, or at a folder that it lies in, or has files in a folder of that name."""
    found = folders.get(key) or files.get(key)
    return found or next((files[folder] for folder in _folders(key) if folder in files), None)


def _put(key: str, callback: Object, files: dict[str, Object], folders: dict[str, Object]) -> None:
    files.setdefault(key, callback)
    for folder in _folders(key):
        folders.setdefault(folder, callback)


def _folders(key: str) -> Iterator[str]:
    names = key.split("/")
    return ("/".join(names[:count]) for count in range(1, len(names)))

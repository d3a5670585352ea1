"""Checks of callbacks' paths: inside the run, apart from its own files and each other.

They look at the text of each path, before there is a run; `run_directory.links` checks the folder of a run.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from graphspec import catalog
from graphspec.catalog.arguments import CALLBACK_PATHS, CALLBACK_WRITES, FILE_NAMES
from graphspec.checks.context import CheckContext
from graphspec.diagnostics import Diagnostic, Label
from graphspec.diagnostics.rules import UNSAFE_PATH
from graphspec.diagnostics.suggest import did_you_mean, kind_of, one_of
from graphspec.language.log_keys import log_keys
from graphspec.language.objects import Object
from graphspec.language.schema import TrainingModel
from graphspec.run_paths import BEST, RunPath, UnsafePathError, run_path

_EXPECTED = "a path within the run directory, such as `log.csv`"


def check_written_paths(context: CheckContext) -> Iterator[Diagnostic]:
    """Report every path of a callback that a training must not write to."""
    if context.training is None or context.settings is None:
        return
    reported = _reported(context)
    claims = _Claims()
    callbacks = context.training.callbacks
    has_learning_rate = False
    for callback in callbacks:
        for argument, text in written_paths(callback).items():
            path = _read(callback, argument, text, shared_name(callback, context.settings))
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
    """Return the paths that a callback writes, by argument, with the defaults of Keras.

    The paths of a plugin's callback are its known path arguments, which a run places in its directory.
    """
    known = CALLBACK_WRITES.get(callback.name)
    if known is None:
        arguments = callback.arguments.items()
        return {name: value for name, value in arguments if name in CALLBACK_PATHS and isinstance(value, str)}
    entry = catalog.find("callbacks", callback.name)
    default = entry.arguments.get(known.argument) if entry is not None else None
    return {known.argument: callback.arguments.get(known.argument, default)}


def takes_placeholders(callback: Object) -> bool:
    """Return whether a callback fills in names in braces; a plugin's callback may."""
    known = CALLBACK_WRITES.get(callback.name)
    return known is None or known.takes_placeholders


def _read(callback: Object, argument: str, text: Any, shared: str) -> RunPath | Diagnostic:
    if not isinstance(text, str):
        return _unsafe(callback, argument, f"is {kind_of(text)}, not a path", "write a path such as `log.csv`")
    try:
        return run_path(text, takes_placeholders=takes_placeholders(callback), shared=shared)
    except UnsafePathError as error:
        help = error.help
        if text == BEST and callback.name == "ModelCheckpoint":
            help = (
                "choose another name; `training: checkpoint: {monitor: ...}` chooses the best model that the run keeps"
            )
        return _unsafe(callback, argument, error.reason, help)


def shared_name(callback: Object, settings: TrainingModel) -> str:
    """Return `best.keras` if a callback saves the same model as the run, else ""."""
    checkpoint, arguments = settings.checkpoint, callback.arguments
    monitor = (checkpoint.monitor if checkpoint is not None else None) or "val_loss"
    is_same = (
        callback.name == "ModelCheckpoint"
        and arguments.get("save_best_only") is True
        and not arguments.get("save_weights_only", False)
        and arguments.get("save_freq", "epoch") == "epoch"
        and arguments.get("monitor", "val_loss") == monitor
        and arguments.get("mode", "auto") == "auto"
    )
    return BEST if is_same else ""


def _reported(context: CheckContext) -> dict[str, Object | None] | None:
    """Return every log key at the end of each epoch; None if it is unknown."""
    assert context.settings is not None
    if any(output.is_faulty for output in context.graph.outputs.values()):
        return None
    each_epoch = context.validates and context.settings.validation_freq == 1
    return log_keys(context.graph, validates=each_epoch)


def _offered(callback: Object, reported: Iterable[str]) -> list[str]:
    """Return the names that Keras fills into a path of `callback`."""
    if callback.arguments.get("save_freq", "epoch") == "epoch":
        return ["epoch", *reported]
    return ["epoch", "batch", *(name for name in reported if not name.startswith("val_") and name != "learning_rate")]


def _unknown_name(callback: Object, argument: str, path: RunPath, offered: list[str]) -> Iterator[Diagnostic]:
    for placeholder in path.placeholders:
        example = 1 if placeholder.name in ("epoch", "batch") else 0.5
        if placeholder.name not in offered:
            reason = f"has the placeholder `{placeholder.name}`, which is not known when the file is written"
            help = did_you_mean(placeholder.name, offered, f"the known placeholders are {one_of(offered)}")
        elif not placeholder.fits(example):
            reason = f"holds `{placeholder}`, but `{placeholder.name}` is not a whole number"
            help = f"write `{{{placeholder.name}:.2f}}`"
        else:
            continue
        yield _unsafe(callback, argument, reason, help, expected="a placeholder that Keras fills in")
        return


def _file_names(callback: Object) -> Iterator[Diagnostic]:
    """Report every file name, which another program opens, that leads out of its folder."""
    for argument in FILE_NAMES if callback.name in CALLBACK_WRITES else ():
        value = callback.arguments.get(argument)
        for text in value.values() if isinstance(value, dict) else [value]:
            try:
                if isinstance(text, str):
                    run_path(text)
            except UnsafePathError as error:
                yield _unsafe(callback, argument, error.reason, error.help)


def _unsafe(callback: Object, argument: str, reason: str, help: str, *, expected: str = _EXPECTED) -> Diagnostic:
    span = callback.span_of(argument)
    return Diagnostic(UNSAFE_PATH, f"`{argument}` of `{callback.name}` {reason}", span, expected=expected, help=help)


class _Claims:
    """The paths that callbacks write so far.

    A path with placeholders is compared by its loose key, which leaves every number open.
    """

    def __init__(self) -> None:
        self._exact = _Files()
        self._loose = _Files()
        self._with_placeholders = _Files()

    def add(self, callback: Object, argument: str, path: RunPath) -> Iterator[Diagnostic]:
        """Claim `path` for `callback`, and report another callback that writes there."""
        known = CALLBACK_WRITES.get(callback.name)
        paths = [path.below(name) for name in known.entries] if known is not None and known.entries else [path]
        other = next((owner for each in paths if (owner := self._owner(each)) is not None), None)
        if other is not None:
            yield Diagnostic(
                UNSAFE_PATH,
                f"`{argument}` of `{callback.name}` is the path that `{other.name}` writes to",
                callback.span_of(argument),
                expected="a path of its own",
                help="choose another name",
                labels=(Label(other.span, "this writes to the same path"),),
            )
        for each in paths:
            self._loose.add(each.loose_key, callback)
            if each.placeholders:
                self._with_placeholders.add(each.loose_key, callback)
            else:
                self._exact.add(each.key, callback)

    def _owner(self, path: RunPath) -> Object | None:
        if path.placeholders:
            return self._loose.owner(path.loose_key)
        return self._exact.owner(path.key) or self._with_placeholders.owner(path.loose_key)


class _Files:
    """Files and the folders that contain them, by key, with the callbacks that write them."""

    def __init__(self) -> None:
        self._files: dict[str, Object] = {}
        self._folders: dict[str, Object] = {}

    def add(self, key: str, callback: Object) -> None:
        self._files.setdefault(key, callback)
        for folder in _folders(key):
            self._folders.setdefault(folder, callback)

    def owner(self, key: str) -> Object | None:
        """Return the callback whose file is at `key`, inside it, or above it."""
        owner = self._folders.get(key) or self._files.get(key)
        return owner or next((self._files[folder] for folder in _folders(key) if folder in self._files), None)


def _folders(key: str) -> Iterator[str]:
    names = key.split("/")
    return ("/".join(names[:count]) for count in range(1, len(names)))

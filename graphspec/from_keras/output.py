"""The files that a decompiled model is written to: the spec, vocabularies, weights."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from graphspec.diagnostics import SpecError
from graphspec.diagnostics.rules import CANNOT_WRITE
from graphspec.files import cannot_write, write_whole
from graphspec.from_keras.decompile import Decompiled, decompile_config
from graphspec.from_keras.layer_state import LearnedState
from graphspec.from_keras.model_file import ModelFile, not_a_model
from graphspec.language.document.tree import plain


@dataclass(kw_only=True)
class DecompileOptions:
    """What of a model is written, and where.

    Attributes:
        path: The spec; a name that ends in `.json` gives JSON. None if nothing is written.
        weights: Write the weights beside the spec, and name them in it.
        plugins: The modules that register custom layers.
        force: Replace files that are there.
    """

    path: Path | None = None
    weights: bool = False
    plugins: Iterable[str] = ()
    force: bool = False

    @property
    def stem(self) -> str:
        """The beginning of the names of files beside the spec."""
        return self.path.stem if self.path is not None else ""

    @property
    def weights_name(self) -> str:
        """The name of the file of weights."""
        return f"{self.stem}.weights.h5"


def decompile_file(model: ModelFile, options: DecompileOptions) -> Decompiled:
    """Return the spec of a model in a file, and write it with the files beside it.

    Raises:
        SpecError: No spec can hold the model, or a file is there already or cannot be written. Nothing is written.
    """
    if options.weights and model.weights is None:
        raise not_a_model(model.findings, "holds no weights")
    learned = LearnedState(
        model.state,
        file_name=(lambda layer: f"{options.stem}.{layer}.txt") if options.path is not None else None,
        with_weights=options.weights,
    )
    path = options.path or model.path
    path = path.with_suffix(".yaml")  # the text is YAML, though it may be written as JSON
    weights = options.weights_name if options.weights else ""
    found = decompile_config(model.config, model.findings, learned, path, weights=weights, plugins=options.plugins)
    if options.path is not None:
        _write(found, model, options.path, options)
    return found


def _write(found: Decompiled, model: ModelFile, path: Path, options: DecompileOptions) -> None:
    is_json = path.suffix == ".json"
    text = f"{json.dumps(plain(found.spec.tree), indent=2, ensure_ascii=False)}\n" if is_json else found.text
    files: dict[Path, bytes | Iterable[bytes]] = {}
    if options.weights and model.weights is not None:
        files[path.parent / options.weights_name] = model.weights()  # first: an archive may turn out to be damaged
    files |= {path.parent / name: words.encode() for name, words in found.files.items()}
    files[path] = text.encode()
    existing = [str(each) for each in files if each.exists()]
    if existing and not options.force:
        raise SpecError.of(
            CANNOT_WRITE,
            f"{', '.join(existing)} {'is' if len(existing) == 1 else 'are'} there already",
            expected="names that are free",
            help="write to another name, or replace what is there by --force",
        )
    try:
        if not path.parent.is_dir():
            path.parent.mkdir(parents=True)
    except OSError as error:
        raise cannot_write(path, error) from None
    for each, data in files.items():
        try:
            write_whole(each, data)
        except OSError as error:
            raise cannot_write(each, error) from None

"""Numbered cases of mutated models, made from the models that were written to a folder."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.from_keras.fuzzing import archives, configs
from tests.from_keras.fuzzing.configs import Case
from tests.from_keras.fuzzing.corpus import Corpus


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
        packed = archives.archives_of(folder)
        texts = {}
        for name in packed:
            with zipfile.ZipFile(folder / f"{name}.keras") as archive:
                texts[name] = archive.read("config.json").decode()
        return Models(Corpus.of(folder), Corpus(texts), packed)

    def config(self, seed: int, number: int) -> Case:
        """Return a configuration."""
        return configs.make_case(self.corpus, seed, number)

    def archive(self, seed: int, number: int) -> Case:
        """Return an archive."""
        return archives.make_case(self.archives, self.archived, seed, number)

"""The catalogue of each minor version of Keras, and which one answers."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError
from importlib.resources import files
from pathlib import Path

import pytest
from click.testing import CliRunner

from graphspec import catalog
from graphspec.catalog import Kind, versions
from graphspec.catalog.generated import FOLDER, known_versions, minor_of, newest, number
from graphspec.catalog.history import (
    changes,
    history_of,
    in_words,
    requirement,
    versions_with,
    versions_with_argument,
)
from graphspec.catalog.versions import nearest, use_version, version_in_use
from graphspec.cli import main

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def forgetful() -> Iterator[None]:
    """What is installed is looked up again, before and after."""
    versions.installed_version.cache_clear()
    versions._default.cache_clear()
    yield
    versions.installed_version.cache_clear()
    versions._default.cache_clear()


def test_every_minor_version_from_the_oldest_to_the_newest_is_known() -> None:
    """None is left out, and 3.10 comes after 3.9."""
    assert known_versions()[0] == "3.8"
    assert known_versions()[-1] == newest()
    assert [number(each)[1] for each in known_versions()] == list(range(8, number(newest())[1] + 1))
    for minor in known_versions():
        with use_version(minor):
            assert minor_of(catalog.keras_version()) == minor


def test_differences_are_small() -> None:
    """In a wheel, they take less than 300 kB, as a zip compresses them."""
    older = Path(str(files("graphspec.catalog").joinpath(FOLDER)))
    sizes = [len(zlib.compress(path.read_bytes())) for path in older.rglob("*.json")]
    assert len(sizes) >= len(known_versions()) - 1
    assert sum(sizes) < 300_000


@pytest.mark.parametrize(
    ("kind", "name", "argument", "said"),
    [
        ("layers", "Dense", "lora_alpha", "Keras ≥ 3.10"),
        ("layers", "LayerNormalization", "rms_scaling", "Keras ≤ 3.10"),
        ("layers", "MultiHeadAttention", "sliding_window", "Keras ≥ 3.15"),
        ("callbacks", "TerminateOnNaN", "raise_error", "Keras ≥ 3.13"),
        ("ops", "ops.cholesky", "upper", "Keras ≥ 3.12"),
    ],
)
def test_the_history_of_an_argument_is_that_of_keras(kind: Kind, name: str, argument: str, said: str) -> None:
    """As the release notes of Keras have it."""
    assert in_words(versions_with_argument(kind, name, argument)) == said


@pytest.mark.parametrize(
    ("kind", "name", "said"),
    [
        ("layers", "RMSNormalization", "Keras ≥ 3.9"),
        ("optimizers", "ScheduleFreeAdamW", "Keras ≥ 3.14"),
        ("optimizers", "Muon", "Keras ≥ 3.13"),  # in 3.10 to 3.12 it fails with TensorFlow in each step
        ("activations", "sparse_sigmoid", "Keras ≥ 3.10"),
        ("ops", "ops.kron", "Keras ≥ 3.12"),
        ("callbacks", "OrbaxCheckpoint", "Keras ≥ 3.14"),
    ],
)
def test_the_history_of_a_name_is_that_of_keras(kind: Kind, name: str, said: str) -> None:
    """Classes, functions and operations."""
    assert in_words(versions_with(kind, name)) == said


def test_arguments_keep_their_order() -> None:
    """An argument that is new in the middle is there in its place, and gone before; the first one may be positional."""
    with use_version("3.9"):
        older = catalog.find("layers", "Dense")
    with use_version("3.10"):
        newer = catalog.find("layers", "Dense")
    assert older is not None
    assert newer is not None
    assert [each for each in newer.arguments if each != "lora_alpha"] == list(older.arguments)
    assert list(newer.arguments).index("lora_alpha") == list(newer.arguments).index("lora_rank") + 1


def test_one_version_inside_of_another() -> None:
    """A choice ends with its block; no choice leaves the one around it."""
    outside = version_in_use()
    with use_version("3.9"):
        with use_version(None):
            assert version_in_use() == "3.9"
        with use_version("3.12"):
            assert catalog.find("layers", "ReversibleEmbedding") is not None
        assert catalog.find("layers", "ReversibleEmbedding") is None
    assert version_in_use() == outside


@pytest.mark.usefixtures("forgetful")
@pytest.mark.parametrize(
    ("there", "minor"),
    [
        ("3.12.4", "3.12"),
        ("3.8.0", "3.8"),
        ("3.13.0rc1", "3.13"),
        ("3.12.0.dev2025010203", "3.12"),
        ("3.7.1", "3.8"),
        ("2.15.0", "3.8"),
        ("3.99.0", newest()),
        ("4.0.0", newest()),
        ("nightly", newest()),
        (None, newest()),
    ],
)
def test_the_installed_keras_decides(monkeypatch: pytest.MonkeyPatch, there: str | None, minor: str) -> None:
    """Its minor version, or the nearest that is known; without one, the newest."""

    def version(name: str) -> str:
        assert name == "keras"
        if there is None:
            raise PackageNotFoundError
        return there

    monkeypatch.setattr(versions, "version", version)
    assert version_in_use() == minor
    said = CliRunner().invoke(main, ["validate", str(ROOT / "specs" / "mlp.yaml")]).stderr
    assert said == (f"{versions.unknown_installation()}.\n" if versions.unknown_installation() else "")
    assert bool(said) == (there is not None and minor_of(there) != minor)


@pytest.mark.parametrize(("text", "minor"), [("3.12", "3.12"), ("3.12.4", "3.12"), ("v3", None), ("", None)])
def test_releases_are_read(text: str, minor: str | None) -> None:
    """A patch release counts as its minor version."""
    assert minor_of(text) == minor


@pytest.mark.parametrize("text", ["3.12 ", "3.12/..", "../3.12", "3", "3.x", "3." + "1" * 5000, "３.１２x", "\0"])
def test_odd_texts_are_no_release(text: str) -> None:
    """A version is never a path."""
    minor = minor_of(text)
    assert minor is None or nearest(minor) in known_versions()


def test_versions_in_words() -> None:
    """For people, and for pip."""
    last = newest()
    assert (in_words(["3.9", "3.10"]), requirement(["3.9", "3.10"])) == ("Keras 3.9 to 3.10", "keras>=3.9,<3.11")
    assert (in_words(["3.9"]), requirement(["3.9"])) == ("Keras 3.9", "keras>=3.9,<3.10")
    assert (in_words(["3.8"]), requirement(["3.8"])) == ("Keras ≤ 3.8", "keras<3.9")
    assert (in_words(["3.8", last]), requirement(["3.8", last])) == (f"Keras 3.8 or {last}", f"keras>={last}")


def test_what_is_new_in_a_version() -> None:
    """Layers, arguments and defaults, in words."""
    found = set(changes("3.12", "3.13"))
    assert "new layer `AdaptiveAveragePooling1D`" in found
    assert "`TerminateOnNaN` takes `raise_error`" in found
    assert "new optimizer `Muon`" in found
    assert "the default of `step` of `ops.arange` is null, and was 1" in set(changes("3.11", "3.12"))
    assert set(changes("3.12", "3.13", ["callbacks"])) < found
    assert "`LayerNormalization` no longer takes `rms_scaling`" in set(changes("3.10", "3.11"))


def test_a_name_of_no_version_has_no_history() -> None:
    """Neither of a kind that has none of it."""
    assert history_of("layers", "Dens") is None
    assert history_of("losses", "Dense") is None

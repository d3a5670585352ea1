"""What all tests share: a quiet TensorFlow, and a way to write a spec in a test."""

from __future__ import annotations

import os
import signal
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from graphspec.garbage import keep_what_is_there
from graphspec.signals import SIGNALS

for (
    _number
) in SIGNALS:  # a shell lets what it starts in the background ignore Ctrl-C, and `nohup` the end of the terminal
    if signal.getsignal(_number) == signal.SIG_IGN:
        signal.signal(_number, signal.default_int_handler if _number == signal.SIGINT else signal.SIG_DFL)
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

settings.register_profile("repeatable", derandomize=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))

ROOT = Path(__file__).resolve().parent.parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that take minutes come first, so that several processes end at about the same time."""
    slow = {item.path for item in items if item.get_closest_marker("slow") is not None}
    items.sort(key=lambda item: item.path not in slow)


def pytest_collection_finish() -> None:
    """What is imported by now is no garbage: not to look through it, again and again, saves a fifth of the time."""
    keep_what_is_there()


@pytest.fixture(scope="module", autouse=True)
def keep_what_stays() -> Iterator[None]:
    """Leave what a module has imported and cached out of later collections too, once its own garbage is gone."""
    yield
    keep_what_is_there()


@pytest.fixture(autouse=True)
def forget_plugins() -> Iterator[None]:
    """Leave neither the modules of plugins nor what they register to other tests, nor anything on the path."""
    path = list(sys.path)
    yield
    assert sys.path == path
    if "keras" in sys.modules:
        objects = sys.modules["keras"].saving.get_custom_objects()
        for name in [each for each in objects if not each.startswith(("graphspec>", "keras_hub>", "keras_nlp>"))]:
            del objects[name]
    if "graphspec.to_keras.plugins" in sys.modules:
        plugins = sys.modules["graphspec.to_keras.plugins"]
        for name in plugins._imported:
            sys.modules.pop(name, None)
        plugins._imported.clear()
        plugins._registered.clear()


@pytest.fixture(autouse=True)
def leave_signals() -> Iterator[None]:
    """Leave to other tests, and to the processes that they start, signals that are heard as they were."""
    before = [signal.getsignal(each) for each in SIGNALS]
    yield
    after = [signal.getsignal(each) for each in SIGNALS]
    for each, handler in zip(SIGNALS, before, strict=True):
        signal.signal(each, handler)
    assert after == before


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write an indented text as a spec file in the test's own folder and give its path."""

    def write_spec(text: str, name: str = "spec.yaml") -> Path:
        path = tmp_path / name
        path.write_text(textwrap.dedent(text), encoding="utf-8")
        return path

    return write_spec

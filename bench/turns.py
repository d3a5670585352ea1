"""Trainings that work in turns, epoch by epoch, each in a thread of its own that waits while the others work."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import keras

Times = tuple[float, float]
"""The time of an epoch: seconds that have passed, and seconds that processors have worked."""

TRACED = 2
"""The first epochs, in which functions are traced, and which do not count."""


class Turns:
    """The turns of several threads, which are named by their sides. taken: the time of each epoch by side."""

    def __init__(self, sides: Mapping[str, Any]) -> None:
        self.taken: dict[str, list[Times]] = {side: [] for side in sides}
        self._order = list(sides)
        self._turn = self._order[0]
        self._working = dict.fromkeys(sides, True)
        self._changed = threading.Condition()
        self._began: dict[str, Times] = {}

    def take(self, works: bool = True) -> None:
        """End the epoch of this thread, if there is one, and wait for the next turn; works: there will be a next."""
        wall, worked, side = time.perf_counter(), time.process_time(), threading.current_thread().name
        if side in self._began:
            self.taken[side].append((wall - self._began[side][0], worked - self._began[side][1]))
        at = self._order.index(side) + 1
        with self._changed:
            self._working[side] = works
            if side in self._began or not works:
                following = [*self._order[at:], *self._order[:at]]
                self._turn = next((each for each in following if self._working[each]), side)
                self._changed.notify_all()
            self._changed.wait_for(lambda: not works or self._turn == side)
        self._began[side] = time.perf_counter(), time.process_time()


_turns = Turns({"": None})


class Clock(keras.callbacks.Callback):
    """Ends a turn where an epoch begins, so that what is done between two epochs counts."""

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        _turns.take()

    def get_config(self) -> dict[str, Any]:
        """None: it has no settings."""
        return {}


keras.saving.register_keras_serializable("bench")(Clock)


def in_turns(sides: Mapping[str, Callable[[], object]]) -> dict[str, list[Times]]:
    """The times of the epochs of each training, but for the first ones and the last."""
    global _turns
    _turns = Turns(sides)

    def work(side: str) -> None:
        try:
            sides[side]()
        finally:
            _turns.take(works=False)

    threads = [threading.Thread(target=work, args=(side,), name=side) for side in sides]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {side: taken[TRACED:-1] for side, taken in _turns.taken.items()}


def ratios(ours: list[Times], others: list[Times], at: int) -> list[float]:
    """The quartiles of the ratios of all pairs; at: 0 for the time that has passed, 1 for that of processors."""
    return statistics.quantiles((one[at] / other[at] for one, other in zip(ours, others, strict=True)), n=4)


def show(title: str, taken: dict[str, list[Times]]) -> None:
    """Print the medians of each side, and the ratio of the first side to each other."""
    (_, ours), *_ = taken.items()
    print(f"{title}\n  {'':<34}{'wall':>9}{'processors':>12}   graphspec to this: wall, processors (quartiles)")
    for side, times in taken.items():
        wall, worked = (1000 * statistics.median(each[at] for each in times) for at in (0, 1))
        line = f"  {side:<34}{wall:>6.0f} ms{worked:>9.0f} ms"
        if times is not ours:
            for at in (0, 1):
                low, middle, high = ratios(ours, times, at)
                line += f"   {middle:.2f} ({low:.2f}, {high:.2f})"
        print(line, flush=True)

"""How long `graphspec diff` takes from a cold start, as a user starts it.

    python bench/diff_speed.py

Each figure is of a process of its own: the best and the median of several turns, and the least time that processors
were busy for it. The second spec is the first one with one value changed in every place.
"""

from __future__ import annotations

import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from graphspec.version import __version__

ROOT = Path(__file__).resolve().parent.parent
TURNS = 7
EDITS = {
    "headline": ("units: 64", "units: 96"),
    "wine": ("units: 32", "units: 48"),
    "zoo/resnet18": ("classes: 1000", "classes: 10"),
    "zoo/resnet50": ("kernel_size: 3", "kernel_size: 5"),
    "zoo/causal_lm": ("width: 384", "width: 512"),
    "zoo/densenet121": ("classes: 1000", "classes: 10"),
}
"""A shipped spec → the text that is replaced in it."""


def main() -> None:
    """Measure each pair, and git's own revisions once."""
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, graphspec {__version__}")
    print(f"{'':<34}{'best':>8}{'median':>9}{'busy':>8}")
    with tempfile.TemporaryDirectory() as folder:
        for name, (old, new) in EDITS.items():
            text = (ROOT / "specs" / f"{name}.yaml").read_text(encoding="utf-8")
            assert old in text, (name, old)
            changed = Path(folder) / "changed.yaml"
            changed.write_text(text.replace(old, new).replace("file: ", f"file: {ROOT}/specs/"), encoding="utf-8")
            measure(name, f"specs/{name}.yaml", str(changed))
        measure("a revision of wine", "HEAD:specs/wine.yaml", "specs/wine.yaml")


def measure(name: str, first: str, second: str) -> None:
    """Time `graphspec diff` on two specs."""
    seconds, busy = [], []
    for _ in range(TURNS):
        before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        command = [sys.executable, "-m", "graphspec", "diff", first, second]
        subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        seconds.append(time.perf_counter() - start)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        busy.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    print(f"{name:<34}{min(seconds):>7.2f}s{statistics.median(seconds):>8.2f}s{min(busy):>7.2f}s")


if __name__ == "__main__":
    main()

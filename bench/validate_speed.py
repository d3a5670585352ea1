"""How fast `graphspec validate` starts, how fast it checks many specs, and how much memory it takes.

    python bench/validate_speed.py [count]        by default 1,000 specs

The specs are the shipped ones, each many times under other names, with their data, so that every stage has its work.
Each figure is of a process of its own, as a user starts it: the best and the median of several turns, and the least
time that processors were busy for it, which tells more on a machine that has other work to do.
"""

from __future__ import annotations

import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from graphspec.version import __version__

SPECS = Path(__file__).resolve().parent.parent / "specs"
TURNS = 5

MEASURE = """
import resource, sys
from graphspec.cli import main
try:
    main(sys.argv[1:])
finally:
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    busy = sum(usage.ru_utime + usage.ru_stime for usage in usages)
    print("USED", busy, *(usage.ru_maxrss for usage in usages), file=sys.stderr)
"""


def copies(folder: Path, count: int) -> None:
    """Fill `folder` with `count` copies of the shipped specs, beside the data that they name."""
    for copy in range(count):
        files = sorted(SPECS.glob("*.yaml")) + sorted((SPECS / "zoo").glob("*.yaml"))
        source = files[copy % len(files)]
        target = folder / source.relative_to(SPECS).parent / f"{source.stem}_{copy}.yaml"
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)
    for each in SPECS.rglob("*"):
        if each.is_file() and not each.match("*.yaml"):
            target = folder / each.relative_to(SPECS)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(each, target)


@dataclass
class Used:
    """What the turns of one command took: seconds, seconds of processors, and the most memory in KiB."""

    seconds: list[float]
    busy: list[float]
    process: int = 0
    workers: int = 0


def measured(arguments: Sequence[str], turns: int) -> Used:
    """Run `graphspec validate` with `arguments` so many times."""
    used = Used([], [])
    for _ in range(turns):
        start = time.perf_counter()
        command = [sys.executable, "-c", MEASURE, "validate", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        used.seconds.append(time.perf_counter() - start)
        if done.returncode:
            raise SystemExit(done.stdout[-2000:] + done.stderr)
        busy, process, workers = done.stderr.rpartition("USED")[2].split()
        used.busy.append(float(busy))
        used.process, used.workers = max(used.process, int(process)), max(used.workers, int(workers))
    return used


def show(what: str, used: Used) -> None:
    """Print one row."""
    workers = f"{used.workers / 1024:4.0f} MiB" if used.workers else "-"
    print(
        f"{what:<26} {min(used.seconds):6.2f}s {statistics.median(used.seconds):7.2f}s {min(used.busy):7.2f}s"
        f"  {used.process / 1024:4.0f} MiB {workers:>9}"
    )


def main() -> None:
    """Print the table."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, graphspec {__version__}")
    print(f"{'':<26} {'best':>7} {'median':>8} {'busy':>8} {'process':>9} {'workers':>9}")
    show("one spec", measured([str(SPECS / "mlp.yaml")], 2 * TURNS))
    with tempfile.TemporaryDirectory() as folder:
        copies(Path(folder), count)
        show(f"{count:,} specs", measured([folder], TURNS))
        show(f"{count:,} specs, one process", measured([folder, "--jobs", "1"], TURNS))


if __name__ == "__main__":
    main()

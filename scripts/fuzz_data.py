"""Read hundreds of thousands of broken data files, and say where reading is at fault.

    python scripts/fuzz_data.py --files 100000 --seed 1

A file must be read as its header says, or refused by a DataError or OSError that names it. A fault is any other
exception, the end of the process, more than 2 s of processor time, or more than 1 GB of memory. Files are made and
read by processes of their own; one that hangs or dies is replaced. Faulty files are written to `--out`. `--only n`
tries one case again in this process.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import resource
import sys
import tempfile
import time
from collections import Counter
from multiprocessing.connection import Connection, wait
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.sources.mutated_files import MEGABYTES, Case, Tried, make_case, try_case  # noqa: E402

HANGS = 30.0
"""Seconds without a word after which a process is ended."""

_AT_A_TIME = 100
_MEMORY = 4 * 2**30
"""Bytes of address space that a process may take: more, and it fails rather than the machine."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=100_000, help="how many (100,000)")
    parser.add_argument("--start", type=int, default=0, help="the number of the first (0)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes (all cores)")
    parser.add_argument("--out", type=Path, default=Path("fuzz-data"), help="where faulty files go")
    parser.add_argument("--only", type=int, help="try this one file again, and show what is wrong")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="fuzz-data-") as folder:
        if given.only is not None:
            case = make_case(given.seed, given.only)
            tried = try_case(case, Path(folder))
            print(f"{case.what}, {len(case.data):,} bytes: {'read' if tried.was_read else 'refused'}, "
                  f"{tried.seconds:.2f} s, {tried.megabytes:.0f} MB", *tried.faults, sep="\n")  # fmt: skip
            return
        numbers = range(given.start, given.start + given.files)
        faults = run(given.seed, numbers, given.jobs, given.out, Path(folder))
    sys.exit(1 if faults else 0)


def run(seed: int, numbers: range, jobs: int, out: Path, scratch: Path) -> int:
    """Try every case, and give the number of faulty ones."""
    waiting = [list(numbers[at : at + _AT_A_TIME]) for at in range(0, len(numbers), _AT_A_TIME)][::-1]
    workers = [_Worker(seed, scratch / str(number)) for number in range(jobs)]
    began, done, read, slowest, largest = time.monotonic(), 0, 0, 0.0, 0.0
    faulty: Counter[str] = Counter()
    for worker in workers:
        worker.give(waiting)
    while any(worker.left for worker in workers):
        ready = wait([worker.pipe for worker in workers if worker.left], timeout=1)
        for worker in workers:
            if worker.pipe in ready:
                number, tried = worker.receive()
            elif worker.left and time.monotonic() - worker.heard > HANGS:
                number, tried = worker.lose(f"it hangs: nothing for {HANGS:.0f} s")
            else:
                continue
            done += 1
            read += tried.was_read
            slowest, largest = max(slowest, tried.seconds), max(largest, tried.megabytes)
            if tried.faults:
                case = make_case(seed, number)
                faulty[case.file.ending] += 1
                _keep(case, number, tried, out)
            if tried.megabytes > MEGABYTES:
                worker.restart()
            if not worker.left:
                worker.give(waiting)
            if done % 500 == 0:
                rate = done / (time.monotonic() - began)
                print(f"\r{done:,} of {len(numbers):,}, {faulty.total()} faulty, {rate:.0f} a second  ",
                      end="", file=sys.stderr, flush=True)  # fmt: skip
    for worker in workers:
        worker.process.terminate()
    print(file=sys.stderr)
    print(f"{done:,} files in {time.monotonic() - began:.0f} s, seed {seed}: {read:,} read, {done - read:,} refused, "
          f"{faulty.total()} faulty {dict(faulty) if faulty else ''}; the slowest took {slowest:.2f} s, "
          f"the largest process {largest:.0f} MB")  # fmt: skip
    return faulty.total()


class _Worker:
    """A process that tries cases one after the other, and says of each how it went."""

    def __init__(self, seed: int, folder: Path) -> None:
        self.seed, self.folder = seed, folder
        self.left: list[int] = []
        folder.mkdir()
        self._start()

    def _start(self) -> None:
        self.pipe, theirs = multiprocessing.Pipe()
        context = multiprocessing.get_context("spawn")
        self.process = context.Process(target=_work, args=(theirs, self.seed, self.folder), daemon=True)
        self.process.start()
        theirs.close()
        self.heard = time.monotonic()

    def give(self, waiting: list[list[int]]) -> None:
        if waiting:
            self.left = waiting.pop()
            self.pipe.send(self.left)
            self.heard = time.monotonic()

    def receive(self) -> tuple[int, Tried]:
        try:
            number, tried = self.pipe.recv()
        except (EOFError, ConnectionResetError):
            return self.lose("it ended the process")
        self.heard = time.monotonic()
        self.left.remove(number)
        return number, tried

    def lose(self, why: str) -> tuple[int, Tried]:
        """Give up the case that is being tried, and go on with the next in a new process."""
        number = self.left.pop(0)
        self.restart()
        return number, Tried(False, 0, 0, (why,))

    def restart(self) -> None:
        self.process.kill()
        self._start()
        if self.left:
            self.pipe.send(self.left)


def _work(pipe: Connection, seed: int, folder: Path) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    os.environ["GRAPHSPEC_CACHE"] = str(folder / "cache")
    for at in iter(pipe.recv, None):
        for number in at:
            pipe.send((number, try_case(make_case(seed, number), folder)))


def _keep(case: Case, number: int, tried: Tried, out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    (out / f"{number}{case.file.ending}").write_bytes(case.data)
    (out / f"{number}.txt").write_text(f"{case.what}\n" + "\n".join(tried.faults), encoding="utf-8", errors="replace")


if __name__ == "__main__":
    main()

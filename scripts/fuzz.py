"""Validate hundreds of thousands of broken documents, and say where validation is at fault.

    python scripts/fuzz.py --cases 200000 --seed 1

A fault is an exception, more than 2 s of processor time, more than 500 MB of memory, or a finding without a place.
Cases are made and tried by processes of their own; one that hangs or dies is replaced. Faulty documents are written to
`--out`. `--only n` tries one case again in this process, and `--hostile` the large ones made by hand alone.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import resource
import shutil
import sys
import tempfile
import time
from multiprocessing.connection import Connection, wait
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.fuzzing.cases import Case, make_case  # noqa: E402
from tests.fuzzing.hostile import HOSTILE  # noqa: E402
from tests.fuzzing.trial import MEGABYTES, Tried, try_case  # noqa: E402

HANGS = 30.0
"""Seconds without a word after which a process is ended."""

_AT_A_TIME = 50
Numbers = list[int]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=200_000, help="how many (200,000)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes (all cores)")
    parser.add_argument("--out", type=Path, default=Path("fuzz"), help="where faulty documents go")
    parser.add_argument("--only", type=int, help="try this one case again, and show what is wrong")
    parser.add_argument("--hostile", action="store_true", help="try the documents made by hand alone")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        if given.only is not None:
            show(make_case(given.seed, given.only), _folder(Path(folder), 0))
            return
        if given.hostile:
            for what, make in HOSTILE.items():
                data = make()
                raw = data if isinstance(data, bytes) else data.encode("utf-8", errors="surrogatepass")
                for suffix in (".yaml", ".json"):
                    show(Case(what, raw, suffix), Path(folder))
            return
        faults = run(given.seed, given.cases, given.jobs, given.out, Path(folder))
    sys.exit(1 if faults else 0)


def show(case: Case, folder: Path) -> None:
    tried = try_case(case, folder)
    print(f"{case.what} {case.suffix}, {len(case.data):,} bytes: {tried.seconds:.2f} s, {tried.megabytes:.0f} MB")
    for fault in tried.faults:
        print(f"  FAULT {fault}")


def run(seed: int, count: int, jobs: int, out: Path, scratch: Path) -> int:
    """Try every case, and give the number of faulty ones."""
    waiting = [list(range(start, min(start + _AT_A_TIME, count))) for start in range(0, count, _AT_A_TIME)][::-1]
    workers = [_Worker(seed, _folder(scratch, number)) for number in range(jobs)]
    began, done, faulty, slowest, largest = time.monotonic(), 0, 0, 0.0, 0.0
    for worker in workers:
        worker.give(waiting)
    while any(worker.left for worker in workers):
        ready = wait([worker.pipe for worker in workers if worker.left], timeout=1)
        for worker in workers:
            if worker.pipe in ready:
                number, tried = worker.receive()
            elif worker.left and time.monotonic() - worker.heard > HANGS:
                number, tried = worker.left[0], Tried(HANGS, 0, (f"it hangs: nothing for {HANGS:.0f} s",))
                worker.left.pop(0)
                worker.restart()
            else:
                continue
            done += 1
            slowest, largest = max(slowest, tried.seconds), max(largest, tried.megabytes)
            if tried.faults:
                faulty += 1
                _keep(make_case(seed, number), number, tried, out)
            if tried.megabytes > MEGABYTES:
                worker.restart()
            if not worker.left:
                worker.give(waiting)
            if done % 500 == 0:
                rate = done / (time.monotonic() - began)
                print(
                    f"\r{done:,} of {count:,}, {faulty} faulty, {rate:.0f} a second  ",
                    end="",
                    file=sys.stderr,
                    flush=True,
                )
    for worker in workers:
        worker.process.terminate()
    print(file=sys.stderr)
    print(f"{done:,} cases in {time.monotonic() - began:.0f} s, seed {seed}: {faulty} faulty; "
          f"the slowest took {slowest:.2f} s, the largest process {largest:.0f} MB")  # fmt: skip
    return faulty


class _Worker:
    """A process that tries cases one after the other, and says of each how it went."""

    def __init__(self, seed: int, folder: Path) -> None:
        self.seed, self.folder = seed, folder
        self.left: Numbers = []
        self.start()

    def start(self) -> None:
        self.pipe, theirs = multiprocessing.Pipe()
        context = multiprocessing.get_context("spawn")
        self.process = context.Process(target=_work, args=(theirs, self.seed, self.folder), daemon=True)
        self.process.start()
        self.heard = time.monotonic()

    def give(self, waiting: list[Numbers]) -> None:
        if waiting:
            self.left = waiting.pop()
            self.pipe.send(self.left)
            self.heard = time.monotonic()

    def receive(self) -> tuple[int, Tried]:
        self.heard = time.monotonic()
        try:
            number, tried = self.pipe.recv()
        except (EOFError, ConnectionResetError):
            number, tried = self.left[0], Tried(0, 0, ("it ended the process",))
            self.left.pop(0)
            self.restart()
            return number, tried
        self.left.remove(number)
        return number, tried

    def restart(self) -> None:
        self.process.terminate()
        left = self.left
        self.start()
        if left:
            self.pipe.send(left)


def _work(pipe: Connection, seed: int, folder: Path) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (4 * 2**30, 4 * 2**30))
    while True:
        for number in pipe.recv():
            pipe.send((number, try_case(make_case(seed, number), folder)))


def _folder(scratch: Path, number: int) -> Path:
    """A folder with the data of the shipped specs, for one process to write its cases into."""
    folder = scratch / f"specs-{number}"
    shutil.copytree(ROOT / "specs", folder)
    return folder


def _keep(case: Case, number: int, tried: Tried, out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    (out / f"{number}{case.suffix}").write_bytes(case.data)
    (out / f"{number}.txt").write_text(f"{case.what}\n" + "\n".join(tried.faults), encoding="utf-8", errors="replace")


if __name__ == "__main__":
    main()

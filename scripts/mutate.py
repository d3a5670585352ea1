"""Change the code in one place at a time, run the tests that run that line, and list the changes that no test notices.

    pip install -e '.[dev,mutation]'
    python scripts/mutate.py --count 200 --seed 1

The first call runs the whole suite under coverage.py, to know which test runs which line (half an hour on one core);
later calls measure again only the test files that have changed. Mutants are tried in a copy of the repository. A mutant
that no test can notice, because it changes no behaviour, belongs into `scripts/equivalent_mutants.toml` with the
reason. `--unnoticed` tries only those of this seed that were not noticed the last time.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.mutation.coverage_map import CoverageMap, measure  # noqa: E402
from tests.mutation.equivalents import find_equivalent, read_equivalents  # noqa: E402
from tests.mutation.mutants import TARGETS, Module, Mutant, draw, modules  # noqa: E402
from tests.mutation.results import read_verdicts, summarise, write_verdicts  # noqa: E402
from tests.mutation.server import Server  # noqa: E402
from tests.mutation.trial import Tree, Trials, Verdict  # noqa: E402

GOAL = 0.9


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("targets", nargs="*", default=TARGETS, help="folders and files to mutate (the compiler's)")
    parser.add_argument("--count", type=int, default=200, help="how many mutants (200)")
    parser.add_argument("--seed", type=int, default=1, help="which ones (1)")
    parser.add_argument("--jobs", type=int, default=1, help="how many at a time (1)")
    parser.add_argument("--budget", type=float, default=float("inf"), help="seconds of tests for each (no limit)")
    parser.add_argument("--unnoticed", action="store_true", help="only those not noticed the last time")
    parser.add_argument("--data", type=Path, default=ROOT / ".mutation", help="where what is measured is kept")
    given = parser.parse_args()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell lets processes in the background ignore it
    equivalents = read_equivalents(ROOT / "scripts" / "equivalent_mutants.toml")
    kept = given.data / f"seed-{given.seed}.json"
    with tempfile.TemporaryDirectory(prefix="mutate-", ignore_cleanup_errors=True) as folder:
        coverage = measured(given.data / "coverage", Path(folder))
        mutants = draw((Module(path, text(path)) for path in modules(ROOT, given.targets)), given.count, given.seed)
        verdicts = read_verdicts(kept) if given.unnoticed else {}
        tried = [
            mutant
            for mutant in mutants
            if not (known := verdicts.get(str(mutant))) or not (known.noticed or find_equivalent(mutant, equivalents))
        ]
        for mutant, verdict in try_all(tried, coverage, Path(folder), given.jobs, given.budget):
            verdicts[str(mutant)] = verdict
            write_verdicts(kept, verdicts)
    summary, share = summarise(mutants, verdicts, equivalents)
    print(summary)
    sys.exit(0 if share >= GOAL else 1)


def measured(data: Path, folder: Path) -> CoverageMap:
    """Return which tests run which lines, measured anew for the test files that have changed."""
    stale = CoverageMap(data).stale(ROOT)
    if stale:
        print(f"measuring which lines {len(stale)} test files run", file=sys.stderr, flush=True)
        measure(ROOT, data, stale, Tree(ROOT, folder / "coverage").folder)
    return CoverageMap(data)


def try_all(
    mutants: Sequence[Mutant], coverage: CoverageMap, folder: Path, jobs: int, budget: float
) -> Iterator[tuple[Mutant, Verdict]]:
    """Try mutants, some at a time, each job with a process and a copy of its own."""
    covering = [coverage.covering(each.path, text(each.path), each.line) for each in mutants]
    idle: SimpleQueue[Trials] = SimpleQueue()
    servers = []
    for number in range(jobs if mutants else 0):
        tree = Tree(ROOT, folder / str(number))
        servers.append(Server(tree.folder))
        idle.put(Trials(tree, servers[-1]))

    def attempt(number: int) -> Verdict:
        trials = idle.get()
        try:
            return trials.try_mutant(mutants[number], *covering[number], budget)
        finally:
            idle.put(trials)

    began = time.monotonic()
    try:
        with ThreadPoolExecutor(jobs) as pool:
            done = zip(mutants, pool.map(attempt, range(len(mutants))), strict=True)
            for number, (mutant, verdict) in enumerate(done, start=1):
                word = f"noticed by {verdict.test}: {verdict.message}" if verdict.noticed else "NOT NOTICED"
                print(f"[{number}/{len(mutants)}, {time.monotonic() - began:.0f} s] {mutant}", file=sys.stderr)
                print(f"  {word[:200]} ({verdict.ran} of {verdict.covering} tests)", file=sys.stderr, flush=True)
                yield mutant, verdict
    finally:
        for server in servers:
            server.close()


def text(path: str) -> str:
    """Return the text of a module."""
    return (ROOT / path).read_text(encoding="utf-8")


if __name__ == "__main__":
    main()

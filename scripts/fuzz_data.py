"""Read hundreds of thousands of broken data files, and say where reading is at fault.

    python scripts/fuzz_data.py --files 100000 --seed 1

A file must be read as its header says, or refused by a DataError or OSError that names it. A fault is any other
exception, the end of the process, more than 2 s of processor time, or more than 1 GB of memory. Files are made and
read by processes of their own; one that hangs or dies is replaced. Faulty files are written to `--out`. `--only n`
tries one case again in this process.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.fuzzing.pool import run  # noqa: E402
from tests.fuzzing.watched import Tried  # noqa: E402
from tests.sources.mutated_files import MEGABYTES, Case, make_case, try_case, try_number  # noqa: E402


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
            print(f"{case.what}, {len(case.data):,} bytes: {'read' if tried.accepted else 'refused'}, "
                  f"{tried.seconds:.2f} s, {tried.megabytes:.0f} MB", *tried.faults, sep="\n")  # fmt: skip
            return
        folders = [Path(folder) / str(number) for number in range(given.jobs)]
        for each in folders:
            each.mkdir()

        def keep(number: int, tried: Tried) -> None:
            _keep(make_case(given.seed, number), number, tried, given.out)

        numbers = range(given.start, given.start + given.files)
        totals = run(numbers, partial(try_number, given.seed), folders, MEGABYTES, keep)
    print(f"seed {given.seed}, {totals}")
    sys.exit(1 if totals.faulty else 0)


def _keep(case: Case, number: int, tried: Tried, out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    (out / f"{number}{case.file.ending}").write_bytes(case.data)
    (out / f"{number}.txt").write_text(f"{case.what}\n" + "\n".join(tried.faults), encoding="utf-8", errors="replace")


if __name__ == "__main__":
    main()

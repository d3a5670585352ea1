"""Validate hundreds of thousands of broken documents, and say where validation is at fault.

    python scripts/fuzz.py --cases 200000 --seed 1
    python scripts/fuzz.py --expressions 100000 --seed 1
    python scripts/fuzz.py --paths 20000 --seed 1

A fault is an exception, more than 2 s of processor time, more than 500 MB of memory, or a finding without a place.
Cases are made and tried by processes of their own; one that hangs or dies is replaced. Faulty documents are written to
`--out`. `--only n` tries one case again in this process, and `--hostile` the large ones made by hand alone.
`--expressions` evaluates expressions instead, of which none may take more than 50 ms; `--paths` makes folders of pipes,
devices, links and odd names, with specs that name them.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.fuzzing.cases import Case, make_case  # noqa: E402
from tests.fuzzing.expressions import expression, try_expression  # noqa: E402
from tests.fuzzing.hostile import HOSTILE  # noqa: E402
from tests.fuzzing.paths import try_paths  # noqa: E402
from tests.fuzzing.pool import run  # noqa: E402
from tests.fuzzing.trial import MEGABYTES, try_case, try_number  # noqa: E402
from tests.fuzzing.watched import Tried  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=200_000, help="how many (200,000)")
    parser.add_argument("--paths", type=int, default=0, help="how many folders of odd files to try, instead of cases")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes (all cores)")
    parser.add_argument("--out", type=Path, default=Path("fuzz"), help="where faulty documents go")
    parser.add_argument("--only", type=int, help="try this one case again, and show what is wrong")
    parser.add_argument("--hostile", action="store_true", help="try the documents made by hand alone")
    parser.add_argument("--expressions", type=int, default=0, help="evaluate so many expressions instead")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        if given.only is not None and given.paths:
            tried = try_paths(given.seed, given.only, Path(folder))
            print(f"{tried.seconds:.2f} s, {tried.megabytes:.0f} MB", *tried.faults, sep="\n")
            return
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
        folders = [_folder(Path(folder), number) for number in range(given.jobs)]

        def keep(number: int, tried: Tried) -> None:
            if given.expressions:
                text = expression(given.seed, number).encode()
                _keep(Case(f"expression {number}", text, ".expression"), number, tried, given.out)
            elif given.paths:
                _write_faults(number, "a folder of odd files", tried, given.out)
            else:
                _keep(make_case(given.seed, number), number, tried, given.out)

        if given.expressions:
            count, attempt = given.expressions, try_expression
        elif given.paths:
            count, attempt = given.paths, try_paths
        else:
            count, attempt = given.cases, try_number
        totals = run(range(count), partial(attempt, given.seed), folders, MEGABYTES, keep)
    print(f"seed {given.seed}, {totals}")
    sys.exit(1 if totals.faulty else 0)


def show(case: Case, folder: Path) -> None:
    tried = try_case(case, folder)
    print(f"{case.what} {case.suffix}, {len(case.data):,} bytes: {tried.seconds:.2f} s, {tried.megabytes:.0f} MB")
    for fault in tried.faults:
        print(f"  FAULT {fault}")


def _folder(scratch: Path, number: int) -> Path:
    """A folder with the data of the shipped specs, for one process to write its cases into."""
    folder = scratch / f"specs-{number}"
    shutil.copytree(ROOT / "specs", folder)
    return folder


def _keep(case: Case, number: int, tried: Tried, out: Path) -> None:
    _write_faults(number, case.what, tried, out)
    (out / f"{number}{case.suffix}").write_bytes(case.data)


def _write_faults(number: int, what: str, tried: Tried, out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    (out / f"{number}.txt").write_text(f"{what}\n" + "\n".join(tried.faults), encoding="utf-8", errors="replace")


if __name__ == "__main__":
    main()

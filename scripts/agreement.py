"""How often `graphspec validate` agrees with Keras on random single mutations of the shipped specs.

    python scripts/agreement.py --mutations 5000 --seed 1
    python scripts/agreement.py --mutations 500 --specs vae "zoo/*transformer"

Each mutation is put to the static validation and to Keras, which builds it without weights and compiles it
(`tests/agreement/naive.py`). Prints a table, and writes every disagreement with its cause to a JSON file. Mutation n of
a seed is always the same, in however many processes: `--only n` repeats one of them and shows its text.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.agreement.mutate import KINDS  # noqa: E402
from tests.agreement.verdicts import AGREED, VERDICTS, Outcome, draw, judge, shipped  # noqa: E402

SPECS = ROOT / "specs"
_AT_A_TIME = 20
_BEFORE_RENEWAL = 25
"""Chunks after which a process gives way to a fresh one, so that what Keras keeps does not grow."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mutations", type=int, default=5000, help="how many (5000)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes (all cores)")
    parser.add_argument("--out", type=Path, default=Path("agreement.json"), help="where disagreements go")
    parser.add_argument("--specs", nargs="+", default=["*"], help="which, by names or globs (all)")
    parser.add_argument("--only", type=int, help="put this one mutation to both, and show it")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="agreement-") as folder:
        folders = Path(folder) / "drawn" / "specs", Path(folder) / "mutated" / "specs"
        for each in folders:
            shutil.copytree(SPECS, each)
        if not keep_named(folders[0], given.specs):
            parser.error(f"no spec is called {' or '.join(given.specs)}")
        if given.only is not None:
            show_one(*folders, given.seed, given.only)
            return
        outcomes = sorted(run(folders, given.seed, given.mutations, given.jobs), key=lambda each: each.number)
    print(table(outcomes))
    worth_a_look = [asdict(each) for each in outcomes if each.verdict not in AGREED or is_misplaced(each)]
    given.out.write_text(json.dumps({"seed": given.seed, "outcomes": worth_a_look}, indent=1, ensure_ascii=False))
    print(f"\n{given.out} holds each disagreement, and each refusal that names another line.")


def keep_named(folder: Path, names: list[str]) -> bool:
    """Take the specs of other names away, and say whether some are left."""
    for path in shipped(folder):
        called = path.stem, str(path.relative_to(folder).with_suffix(""))
        if not any(fnmatch(each, name) for each in called for name in names):
            path.unlink()
    return bool(shipped(folder))


def run(folders: tuple[Path, Path], seed: int, count: int, jobs: int) -> Iterator[Outcome]:
    """Every outcome, as it comes. folders: the specs that are drawn, and a copy with the data of mutated ones."""
    chunks = [(*folders, seed, start, min(start + _AT_A_TIME, count)) for start in range(0, count, _AT_A_TIME)]
    began, done = time.monotonic(), 0
    context = multiprocessing.get_context("spawn")
    with context.Pool(jobs, prepare, maxtasksperchild=_BEFORE_RENEWAL) as pool:
        for several in pool.imap_unordered(judge_chunk, chunks):
            done += len(several)
            yield from several
            rest = (time.monotonic() - began) / done * (count - done)
            print(f"\r{done:,} of {count:,}, {rest:.0f} s to go  ", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)


def prepare() -> None:
    """Set up a process: a quiet TensorFlow on one core."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
    from graphspec.extras import require_tensorflow

    require_tensorflow()


def judge_chunk(chunk: tuple[Path, Path, int, int, int]) -> list[Outcome]:
    folder, scratch, seed, start, end = chunk
    return [judge(folder, scratch, seed, number) for number in range(start, end)]


def show_one(folder: Path, scratch: Path, seed: int, number: int) -> None:
    prepare()
    _, mutation = draw(folder, seed, number)
    for line, text in enumerate(mutation.text.split("\n"), 1):
        print(f"{'>' if line in mutation.lines else ' '} {line:4} {text}")
    print(json.dumps(asdict(judge(folder, scratch, seed, number)), indent=1, ensure_ascii=False))


def is_misplaced(outcome: Outcome) -> bool:
    """Whether both refuse it, and no finding names a mutated line."""
    return outcome.verdict == "both no" and not outcome.names_line


def table(outcomes: list[Outcome]) -> str:
    """Verdicts by kind of mutation, and the two numbers that matter."""
    lines = [f"{'':10}" + "".join(f"{verdict:>12}" for verdict in VERDICTS) + f"{'names line':>12}"]
    for kind in (*KINDS, "all"):
        those = [each for each in outcomes if kind in (each.kind, "all")]
        row = Counter(each.verdict for each in those)
        refused = [each for each in those if each.verdict == "both no"]
        named = sum(each.names_line for each in refused)
        share = f"{named / len(refused):.1%}" if refused else "-"
        lines.append(f"{kind:10}" + "".join(f"{row[verdict]:>12,}" for verdict in VERDICTS) + f"{share:>12}")
    agreed = sum(each.verdict in AGREED for each in outcomes)
    purposeful = sum(each.verdict == "on purpose" for each in outcomes)
    lines += [
        "",
        f"agreement                        {agreed / len(outcomes):.2%}",
        f"  with what is refused on purpose {(agreed + purposeful) / len(outcomes):.2%}",
    ]
    purposes = Counter(purpose for each in outcomes for purpose in each.purposes)
    lines += [f"    {count:>4}  {purpose}" for purpose, count in sorted(purposes.items())]
    by_language = sum(each.verdict == "both no" and each.by == "language" for each in outcomes)
    lines.append(f"refused by both: {by_language:,} by the language, "
                 f"{sum(each.verdict == 'both no' for each in outcomes) - by_language:,} by Keras")  # fmt: skip
    return "\n".join(lines)


if __name__ == "__main__":
    main()

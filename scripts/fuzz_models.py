"""Decompile tens of thousands of broken models, and say where decompiling is at fault.

    python scripts/fuzz_models.py --configs 20000 --seed 1
    python scripts/fuzz_models.py --archives 2000 --seed 1

The configurations, or `.keras` archives, of models of every kind are mutated. Each must give a spec whose model is
equal to the one that Keras itself loads, or a finding. A fault is an exception, a process that ends or hangs, more
than 5 s of processor time, a model that differs, or anything that decompiling does beside reading the file and
writing the spec, as an audit hook hears it. How the cases went is counted, with the findings about models that Keras
loads. Faulty models are written to `--out`; `--only n` tries one case again in this process, and `--kind` lists cases
that went one way.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.from_keras.fuzzing.cases import Models  # noqa: E402
from tests.from_keras.fuzzing.oracle import try_archive, try_config  # noqa: E402
from tests.from_keras.fuzzing.seed_models import write_models  # noqa: E402
from tests.from_keras.fuzzing.trial import MEGABYTES  # noqa: E402
from tests.fuzzing.pool import run  # noqa: E402
from tests.fuzzing.watched import Tried  # noqa: E402

_SHOWN = 12
"""Commonest reasons that are listed for each way in which cases go."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--configs", type=int, default=20_000, help="how many configurations (20,000)")
    parser.add_argument("--archives", type=int, default=0, help="how many archives to try, instead of configurations")
    parser.add_argument("--start", type=int, default=0, help="the number of the first (0)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes (all cores)")
    parser.add_argument("--out", type=Path, default=Path("fuzz-models"), help="where faulty models go")
    parser.add_argument("--only", type=int, help="try this one case again, and show how it goes")
    parser.add_argument("--kind", default="", help="list the cases that went this way")
    given = parser.parse_args()
    attempt = try_archive if given.archives else try_config
    with tempfile.TemporaryDirectory(prefix="fuzz-models-") as folder:
        models = Path(folder) / "models"
        print("Making the models ...", file=sys.stderr)
        write_models(models)
        folders = [Path(folder) / str(number) for number in range(given.jobs)]
        for each in folders:
            each.mkdir()
        if given.only is not None:
            tried = attempt(models, given.seed, given.only, folders[0])
            for line in _outcomes(folders):
                print(json.dumps(line, indent=1))
            print(f"{tried.seconds:.2f} s, {tried.megabytes:.0f} MB", *tried.faults, sep="\n")
            _keep(models, given, given.only, tried, folders)
            return

        def keep(number: int, tried: Tried) -> None:
            _keep(models, given, number, tried, folders)

        numbers = range(given.start, given.start + (given.archives or given.configs))
        totals = run(numbers, partial(attempt, models, given.seed), folders, MEGABYTES, keep, keras=True)
        _show(list(_outcomes(folders)), given.kind)
    print(f"seed {given.seed}, {totals}")
    sys.exit(1 if totals.faulty else 0)


def _outcomes(folders: list[Path]) -> Iterator[dict[str, Any]]:
    for folder in folders:
        path = folder / "outcomes.jsonl"
        if path.exists():
            yield from map(json.loads, path.read_text(encoding="utf-8").splitlines())


def _show(outcomes: list[dict[str, Any]], kind: str) -> None:
    """Print how many cases went each way, and the commonest reasons."""
    for each, count in Counter(outcome["kind"] for outcome in outcomes).most_common():
        print(f"{count:6,} {each}")
        details = Counter(_generalised(outcome["detail"]) for outcome in outcomes if outcome["kind"] == each)
        for detail, times in details.most_common(_SHOWN if any(details) else 0):
            print(f"       {times:6,} {ascii(detail)[1:-1]}")
    for outcome in outcomes:
        if kind and outcome["kind"].startswith(kind):
            print(outcome["number"], outcome["what"], ascii(outcome["detail"]), sep=" | ")


def _generalised(detail: str) -> str:
    """Return a message without what stands between backticks."""
    return "`…`".join(detail.split("`")[::2])[:200]


def _keep(models: Path, given: argparse.Namespace, number: int, tried: Tried, folders: list[Path]) -> None:
    made = Models.at(models)
    case = made.archive(given.seed, number) if given.archives else made.config(given.seed, number)
    given.out.mkdir(parents=True, exist_ok=True)
    (given.out / f"{number}{case.suffix}").write_bytes(case.data)
    stages = [(folder / "stage").read_text() for folder in folders if (folder / "stage").exists()]
    text = "\n".join((case.what, *tried.faults, f"stages: {stages}"))
    (given.out / f"{number}.txt").write_text(text, encoding="utf-8", errors="replace")


if __name__ == "__main__":
    main()

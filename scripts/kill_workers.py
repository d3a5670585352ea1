"""Kill workers of launched trainings at random moments, resume, and compare each end with that of one never killed.

    python scripts/kill_workers.py [--kills 20] [--workers 2] [--seed 0]

Each training has two inputs and two outputs, class weights, dropout, a partial last batch, and callbacks that decide.
Every other one is launched with `--restarts 1` and rejoins by itself; the others end with a message, in bounded time,
and are resumed by hand.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.distribution.killed_workers import KilledWorker, kill_workers


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=8)
    options = parser.parse_args()
    began, trials = time.monotonic(), list[KilledWorker]()
    with tempfile.TemporaryDirectory() as name:
        every = kill_workers(
            Path(name), kills=options.kills, workers=options.workers, seed=options.seed, epochs=options.epochs
        )
        for trial in every:
            trials.append(trial)
            how = "restarted by itself" if trial.seconds is None else f"ended {trial.seconds:.1f} s later, resumed"
            said = "identical to the bit" if not trial.differing else f"DIFFERS: {', '.join(trial.differing[:5])}"
            print(f"worker {trial.worker} killed after the checkpoint of step {trial.step}, {how}: {said}", flush=True)
    same = sum(not trial.differing for trial in trials)
    print(f"{same} of {len(trials)} gave the same result as without the kill, in {time.monotonic() - began:.0f} s")
    return 0 if same == len(trials) else 1


if __name__ == "__main__":
    sys.exit(main())

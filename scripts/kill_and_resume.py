"""Kill trainings at random moments, go on with them, and compare each end with that of one which was never killed.

    python scripts/kill_and_resume.py [--kills 100] [--seed 0] [--preset]

Three specs: convolutions with dropout and batch normalisation; recurrent layers with masks; several outputs with a
schedule and callbacks that decide. With `--preset` another one, where KerasHub is installed: a frozen preset with raw
text, adapters, two stages and balanced classes. Every other kill falls into the writing of a file.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from graphspec.cli._verify_resume import KilledTraining, verify
from tests.resuming.data import specs_in


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--preset", action="store_true")
    given = parser.parse_args()
    began, trials = time.monotonic(), list[KilledTraining]()
    with tempfile.TemporaryDirectory() as name:
        specs = [_preset_in(Path(name))] if given.preset else specs_in(Path(name))
        for number, spec in enumerate(specs):
            kills = given.kills // len(specs) + (number < given.kills % len(specs))
            folder = Path(name) / f"runs_{spec.stem}"
            folder.mkdir()
            for trial in verify(spec, (), folder, kills=kills, seed=given.seed + number, on_stage=print):
                trials.append(trial)
                writing = " while writing" if trial.while_writing else ""
                said = "identical to the bit" if trial.is_same else f"DIFFERS: {', '.join(trial.differing[:5])}"
                print(
                    f"{spec.stem}: killed after {trial.seconds:.2f} s{writing}, at step {trial.step}: {said}",
                    flush=True,
                )
    same = sum(trial.is_same for trial in trials)
    print(
        f"{same} of {len(trials)} gave the same result as without the interruption, in {time.monotonic() - began:.0f} s"
    )
    return 0 if same == len(trials) else 1


def _preset_in(folder: Path) -> Path:
    from tests.resuming.preset import preset_spec  # which needs KerasHub

    return preset_spec(folder)


if __name__ == "__main__":
    sys.exit(main())

"""Write what the catalogue holds of older minor versions of Keras: graphspec/catalog/older/, version by version.

    python scripts/make_versions.py                  all of them, from the newest to the oldest, in half an hour
    python scripts/make_versions.py 3.12 3.11        some of them; what is older refers to them, and stays as it is
    python scripts/make_versions.py --check          exits with 1 where the files say otherwise; few values are measured

Each version has an environment of its own, with a TensorFlow of its time, below `--environments`; one that is there is
used again. In it run make_catalog, make_values and make_comparisons, which write the differences from the next newer
version: see `catalog_files`. Values are measured for the classes alone whose code or documentation is not that of the
next newer version, as far as `class_sources` can tell; the others take what they take there.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from graphspec.catalog.generated import known_versions, number

ROOT = Path(__file__).resolve().parent.parent
TENSORFLOW = {"3.8": "2.18", "3.9": "2.19", "3.10": "2.19", "3.11": "2.20", "3.12": "2.20"}
"""The minor version of TensorFlow for each of Keras; the newest for others."""
PACKAGES = ("click", "platformdirs", "pydantic", "pyyaml", "h5py", "rich", "pyarrow", "pillow", "google-crc32c",
            "protobuf", "tensorboard", "pytest", "hypothesis", "optuna")  # fmt: skip
"""The packages that the scripts need beside Keras and TensorFlow."""
SAMPLE = ("Dense", "Dropout", "Embedding", "Reshape", "Adam", "L1", "EarlyStopping")
"""The classes whose values `--check` measures; some take others in almost every version."""


def environment(folder: Path, minor: str) -> Path:
    """Return the Python of the environment of a version of Keras, which is made where it is not there."""
    place = folder / f"keras-{minor}"
    python = place / "bin" / "python"
    if not python.exists():
        uv = shutil.which("uv") or str(Path(sys.executable).parent / "uv")
        tensorflow = f"tensorflow-cpu=={TENSORFLOW[minor]}.*" if minor in TENSORFLOW else "tensorflow-cpu"
        subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, str(place)], check=True)
        install = [uv, "pip", "install", "--quiet", "--python", str(python), f"keras=={minor}.*", tensorflow, *PACKAGES]
        subprocess.run(install, check=True)
    return python


def run(python: Path, script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a script of this folder in an environment, and return what it prints."""
    command = [str(python), str(ROOT / "scripts" / script), *arguments]
    print(f"{python.parent.parent.name}: {script} {' '.join(arguments)}", file=sys.stderr, flush=True)
    return subprocess.run(
        command, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, text=True, check=False
    )


def write(folder: Path, minor: str, newer: str) -> bool:
    """Write what the catalogue holds of a version, and return whether all scripts ran to their end."""
    python = environment(folder, minor)
    with tempfile.TemporaryDirectory() as scratch:
        known = Path(scratch) / "fingerprints.json"
        printed = run(environment(folder, newer), "make_values.py", "--fingerprints")
        known.write_text(printed.stdout, encoding="utf-8")
        steps = (("make_catalog.py",), ("make_values.py", "--like", str(known)), ("make_comparisons.py",))
        return printed.returncode == 0 and all(run(python, *step).returncode == 0 for step in steps)


def check(folder: Path, minor: str) -> bool:
    """Return whether the files say what the scripts find; values are measured for a few classes."""
    scripts = (("make_catalog.py",), ("make_comparisons.py",), ("make_values.py", *SAMPLE))
    results = [run(environment(folder, minor), *script, "--check") for script in scripts]
    print("".join(each.stdout for each in results), end="")
    return not any(each.returncode for each in results)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("versions", nargs="*", help="minor versions of Keras (all but the newest)")
    parser.add_argument("--environments", type=Path, default=Path(tempfile.gettempdir()), help="where they are kept")
    parser.add_argument("--check", action="store_true")
    given = parser.parse_args()
    minors: Sequence[str] = sorted(given.versions or known_versions()[:-1], key=number, reverse=True)
    for minor in minors:
        newer = next(each for each in known_versions() if number(each) > number(minor))
        done = check(given.environments, minor) if given.check else write(given.environments, minor, newer)
        if not done:
            print(f"Keras {minor}: stale, or a script failed", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

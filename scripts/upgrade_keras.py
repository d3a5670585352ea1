"""Regenerate all that is read from Keras for the installed release, ask it for its opinion, and say what changed.

    python scripts/upgrade_keras.py                     after `pip install --upgrade keras`, in half an hour
    python scripts/upgrade_keras.py --mutations 500     with fewer mutated specs than 2,000
    python scripts/upgrade_keras.py --changes           print the changes of the newest version, and write nothing

`make upgrade-keras` installs the newest Keras and runs this. CONTRIBUTING.md says what to do with what it prints.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from graphspec.catalog.generated import known_versions, newest, read_file, read_version
from graphspec.catalog.history import changes
from graphspec.catalog.patches import Json, difference

SCRIPTS = Path(__file__).resolve().parent
GENERATED = ("make_catalog.py", "make_values.py", "make_comparisons.py", "make_applications.py", "make_schema.py")
FILES = {"values.json": "takes other values", "comparisons.json": "takes targets of other shapes"}
"""The measured files, and what a difference in them means."""


def run(script: str, *arguments: str) -> int:
    """Run a script of this folder, and return its exit status."""
    print(f"\n== {script} {' '.join(arguments)}", flush=True)
    return subprocess.run([sys.executable, SCRIPTS / script, *arguments], check=False).returncode


def measured_changes(name: str, old: Json, new: Json) -> Iterator[str]:
    """Yield the classes of which a measured file says something else, in words."""
    for kind, classes in new["kinds"].items():
        before = old["kinds"].get(kind, {})
        for each in classes:
            patch = difference(before[each], classes[each]) if each in before else {}
            concerned = [key for part in ("gone", "new", "changed", "inside") for key in patch.get(part, ())]
            if concerned:
                yield f"`{each}` {FILES[name]}: {', '.join(concerned)}"


def documented_changes(old: Json, new: Json) -> int:
    """Return the number of classes whose arguments are documented otherwise."""
    return sum(lines != old.get(kind, {}).get(name) for kind, classes in new.items() for name, lines in classes.items())


def print_changes(old_minor: str, new_minor: str, old: dict[str, Json]) -> None:
    """Print what changed, in words.

    Args:
        old_minor: The minor version before.
        new_minor: The newest one now.
        old: The content of each generated file before.
    """
    print(f"\n== What changed from Keras {old['keras.json']['keras']} to {read_file('keras.json')['keras']}\n")
    lines = list(changes(old_minor, new_minor)) if new_minor != old_minor else []
    if new_minor == old_minor and difference(old["keras.json"], read_file("keras.json")).get("inside"):
        lines.append(
            "a patch release changed names, arguments or defaults: see `git diff graphspec/catalog/keras.json`"
        )
    for name in FILES:
        lines += measured_changes(name, old[name], read_file(name))
    if documented := documented_changes(old["docs.json"], read_file("docs.json")):
        lines.append(f"the arguments of {documented} classes and operations are documented in other words")
    print("\n".join(f"  {line}" for line in lines or ["nothing that a spec can name"]))


def print_missing_parts() -> None:
    """Print the private parts of Keras that are gone, which the import says, or that there are none."""
    count = "from graphspec.to_keras.private_parts import missing_parts; print(len(missing_parts()), 'parts are gone')"
    subprocess.run([sys.executable, "-c", count], check=False)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mutations", type=int, default=2000, help="mutated specs that are put to both (2000)")
    parser.add_argument("--changes", action="store_true", help="print those of the newest version, and write nothing")
    given = parser.parse_args()
    names = ("keras.json", "docs.json", *FILES)
    before = newest()
    if given.changes:
        print_changes(known_versions()[-2], before, {name: read_version(name, known_versions()[-2]) for name in names})
        return 0
    old = {name: read_file(name) for name in names}
    failed = [script for script in GENERATED if run(script)]
    print_missing_parts()
    checks = (("try_specs.py",), ("agreement.py", "--mutations", str(given.mutations)))
    failed += [script for script, *arguments in checks if run(script, *arguments)]
    for read in (read_file, read_version, newest, known_versions):
        read.cache_clear()
    print_changes(before, newest(), old)
    print(
        f"\n{', '.join(failed)} failed"
        if failed
        else "\nAll scripts ran; commit graphspec/ and follow CONTRIBUTING.md."
    )
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())

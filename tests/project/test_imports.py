"""What graphspec offers, and what its light commands do not import: they start in a fraction of a second."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import graphspec

ROOT = Path(__file__).parents[2]
HEAVY = ("tensorflow", "keras", "numpy", "rich", "pandas", "sklearn", "pyarrow", "PIL")

SCRIPT = """
import sys
from graphspec.cli import main
try:
    main(sys.argv[1:], standalone_mode=True)
except SystemExit as done:
    assert not done.code, done.code
print("IMPORTED", *sorted(name for name in sys.modules if "." not in name))
"""


def imported(*arguments: str) -> set[str]:
    """The packages that a command has imported when it is done."""
    command = [sys.executable, "-c", SCRIPT, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return set(done.stdout.rpartition("IMPORTED")[2].split())


@pytest.mark.parametrize(
    "arguments",
    [
        ("--help",),
        ("--version",),
        ("validate", "--help"),
        ("summary", "--help"),
        ("train", "--help"),
        ("evaluate", "--help"),
        ("predict", "--help"),
        ("report", "--help"),
        ("tune", "--help"),
        ("validate", "specs"),
        ("fmt", "--check", "specs"),
        ("render", "specs/video_qa.yaml"),
        ("new", "--list"),
        ("plot", "specs/video_qa.yaml"),
        ("plot", "specs/video_qa.yaml", "--format", "html"),
        ("diff", "specs/wine.yaml", "specs/headline.yaml"),
        ("schema",),
        ("cache",),
        ("doctor", "--help"),
        ("completion", "bash"),
        ("data", "--help"),
        ("data", "specs/wine.yaml", "--headers"),
        ("layers",),
        ("layers", "LSTM"),
        ("explain",),
        ("explain", "GS502"),
        ("export", "--help"),
        ("export", "specs/wine.yaml", "--to", "python", "-o", "-"),
    ],
    ids=" ".join,
)
def test_light_commands_import_nothing_heavy(arguments: tuple[str, ...]) -> None:
    """Help and validation, data files included, work where neither TensorFlow nor NumPy is installed."""
    found = imported(*arguments)
    assert "graphspec" in found
    assert not found & set(HEAVY)


def test_importing_graphspec_imports_nothing_heavy() -> None:
    """`import graphspec` leaves TensorFlow to the functions that need it."""
    script = "import sys, graphspec; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert not set(done.stdout.split()) & set(HEAVY)


@pytest.mark.parametrize(
    "module",
    [
        "graphspec.predicting.spec_predictor",
        "graphspec.exporting.exporter",
        "graphspec.runs.report.page",
        "graphspec.tuning.tuning",
        "graphspec.cli._verify_resume",
    ],
)
def test_tensorflow_waits_until_it_is_needed(module: str) -> None:
    """What is wrong with a run, its data or its names is said before seconds are spent on importing TensorFlow."""
    script = f"import sys, {module}; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert not set(done.stdout.split()) & {"tensorflow", "keras"}


def test_public_names() -> None:
    """The public face is these names, each with a docstring; a change of it is a change of this list."""
    assert graphspec.__all__ == [
        "Diagnostic",
        "Difference",
        "Exported",
        "Report",
        "Run",
        "Spec",
        "SpecError",
        "Study",
        "__version__",
        "build",
        "decompile",
        "diff",
        "export",
        "load",
        "python_source",
        "resume",
        "summarize",
        "train",
        "tune",
        "validate",
        "write_report",
    ]
    assert all(getattr(graphspec, name).__doc__ for name in graphspec.__all__)

"""`graphspec doctor`: what works, what is broken and what is missing, without a crash and without a secret."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from graphspec.cli import main
from graphspec.extras import EXTRAS, PURPOSES
from graphspec.installation import ExtraStatus, Status, extra_statuses
from graphspec.installation.child_process import outcomes
from graphspec.installation.trials import TRIALS
from graphspec.version import __version__

Install = Callable[[str], None]


def doctor(*arguments: str) -> Result:
    """Run `graphspec doctor`."""
    return CliRunner().invoke(main, ["doctor", *arguments])


def data_of(*arguments: str) -> dict[str, Any]:
    """Return what `graphspec doctor --json` prints."""
    found: dict[str, Any] = json.loads(doctor("--json", *arguments).stdout)
    return found


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Make `import pyarrow` run some code, in this process and in those that it starts."""

    def install_pyarrow(code: str) -> None:
        package = tmp_path / "site" / "pyarrow"
        package.mkdir(parents=True)
        (package / "__init__.py").write_text(code, encoding="utf-8")
        monkeypatch.syspath_prepend(tmp_path / "site")

    return install_pyarrow


def tables() -> ExtraStatus:
    """Return the status of the extra `tables`."""
    (status,) = extra_statuses(["tables"])
    return status


def test_an_extra_that_works_is_shown_with_its_versions() -> None:
    """The packages of an extra, and those of the core, are named with the versions that are installed."""
    crc32c = version("google-crc32c")
    result = doctor("records")
    assert result.exit_code == 0
    assert f"graphspec {__version__}" in result.stdout
    assert f"google-crc32c {crc32c}" in result.stdout
    (extra,) = data_of("records")["extras"]
    assert extra["status"] == "works"
    assert extra["packages"]["google-crc32c"] == crc32c
    assert extra["problem"] is None


@pytest.mark.skipif(os.name == "nt", reason="Windows has no signals that kill")
def test_a_crash_of_a_native_library_is_a_line(install: Install) -> None:
    """A library that kills its process, as a segmentation fault does, makes its extra broken, and no more."""
    install("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)\n")
    result = doctor("tables", "images")
    assert result.exit_code == 1
    assert "the process was killed by SIGSEGV" in result.stdout
    assert "Traceback" not in result.output
    assert [line.split()[1] for line in result.stdout.splitlines() if line.startswith(("  tables", "  images"))] == [
        "broken",
        "works",
    ]


def test_an_import_that_fails_is_a_line(install: Install) -> None:
    """Of a long message with a traceback in it, the line that names the error is shown."""
    install("raise ImportError('native library\\nImportError: libstdc++.so.6: not found\\n\\nSee the page')\n")
    assert tables().problem == "ImportError: libstdc++.so.6: not found"


def test_what_never_ends_is_broken(install: Install) -> None:
    """A library that hangs is given up after the time limit."""
    install("import time\ntime.sleep(60)\n")
    (outcome,) = outcomes(["tables"], limit=1)
    assert outcome.problem == "it does not finish within 1 s"


def test_a_silent_end_is_broken(install: Install) -> None:
    """A process that ends with the status 0 before the trial does is no success."""
    install("import os\nos._exit(0)\n")
    assert tables().status is Status.BROKEN


def test_what_a_broken_installation_left_behind_is_no_failure(install: Install, tmp_path: Path) -> None:
    """A package whose metadata is gone, as after an interrupted pip, is tried all the same."""
    install("raise ImportError('half of it')\n")
    for name in ("~yarrow-1.0.dist-info", "pyarrow-2.0.dist-info"):
        (tmp_path / "site" / name).mkdir()
        (tmp_path / "site" / name / "top_level.txt").write_text("pyarrow\n", encoding="utf-8")
    assert tables().problem == "ImportError: half of it"
    assert doctor("tables").exit_code == 1


def test_what_is_not_installed_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """An extra without its packages is missing, which is no failure unless it is asked for."""
    for name in EXTRAS:
        monkeypatch.setitem(EXTRAS, name, ("nowhere_to_be_found",))
    result = doctor()
    assert result.exit_code == 0
    assert "such as: pip install 'graphspec[tensorflow]'" in result.stdout
    assert PURPOSES["tables"] in result.stdout
    assert doctor("tables").exit_code == 1
    assert data_of()["tensorflow"] is None


def test_json_has_a_stable_form() -> None:
    """The keys of the JSON are those that docs/install.md describes."""
    data = data_of("images")
    assert list(data) == [
        *("version", "graphspec", "python", "system", "core", "cache", "working_folder", "variables", "extras"),
        "tensorflow",
    ]
    assert data["version"] == 1
    assert list(data["extras"][0]) == [
        *("name", "status", "purpose", "packages", "missing", "problem", "seconds", "install"),
    ]


def test_a_report_holds_no_secret(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, install: Install) -> None:
    """Variables are named without their values, and the home of the user is `~`."""
    home = tmp_path / "alice"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    monkeypatch.setenv("TF_PASSWORD", "hunter2")
    monkeypatch.setenv("GRAPHSPEC_CACHE", str(tmp_path / "hunter2"))
    monkeypatch.setenv("GRAPHSPEC_CACHE_GB", "hunter2")
    install(f"raise OSError('{home.as_posix()}/lib.so: no')\n")
    for output in (doctor("--json", "tables").stdout, doctor("tables").stdout):
        assert "hunter2" not in output
        assert "alice" not in output
        assert "OSError: ~/lib.so: no" in output
    assert "TF_PASSWORD" in data_of("images")["variables"]


def test_nothing_is_left_behind(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The probes in the working folder and in the cache are gone, and no folder was made for them."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GRAPHSPEC_CACHE", str(tmp_path / "not" / "yet"))
    data = data_of("images")
    assert data["cache"]["writable"] is True
    assert data["working_folder"]["writable"] is True
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_to_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The reason why the cache takes no file is that of the operating system; the extras work all the same."""
    (tmp_path / "file").write_text("", encoding="utf-8")
    monkeypatch.setenv("GRAPHSPEC_CACHE", str(tmp_path / "file" / "cache"))
    result = doctor("images")
    assert result.exit_code == 0
    assert "not writable: not a directory" in result.stdout


def test_an_unknown_extra_is_wrong_usage() -> None:
    """A misspelled extra is refused with the name that was meant."""
    result = doctor("table")
    assert result.exit_code == 2
    assert "did you mean `tables`?" in result.stderr


def test_every_extra_has_a_trial_and_a_purpose() -> None:
    """No extra is added without a way to try it and a word on what it is for."""
    assert list(TRIALS) == list(EXTRAS) == list(PURPOSES)

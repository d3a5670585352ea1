"""Check the wheel and the sdist that `make package` has built, by use.

    python scripts/check_package.py dist

- The sdist holds what git does not ignore, and a wheel that is built from it is the wheel.
- The wheel works in a bare environment: `--version`, `doctor`, `new`, `validate`, and the manual page is there.
- The steps of Containerfile work in an empty folder, and what they install trains a model.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatch
from pathlib import Path

from graphspec.version import __version__

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
NOT_IN_SDIST = (".ci/*",)
"""Files of the repository that nobody needs outside of it."""


def check_sdist(sdist: Path, wheel: Path, scratch: Path) -> None:
    """Compare the sdist with the repository, and the wheel that it gives with `wheel`."""
    with tarfile.open(sdist) as archive:
        archive.extractall(scratch, filter="data")
    (source,) = scratch.iterdir()
    names = {path.relative_to(source).as_posix() for path in source.rglob("*") if path.is_file()}
    git = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(git, cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode == 0:  # from an sdist, there is no repository
        kept = {name for name in listed.stdout.splitlines() if not any(fnmatch(name, each) for each in NOT_IN_SDIST)}
        assert names - {"PKG-INFO"} == kept, f"the sdist differs from the repository: {sorted(names ^ kept)[:20]}"
    run(BIN / "hatchling", "build", "--target", "wheel", "--directory", scratch / "dist", cwd=source)
    (again,) = (scratch / "dist").iterdir()
    assert contents(again) == contents(wheel), "the sdist gives another wheel"


def contents(wheel: Path) -> dict[str, bytes]:
    """Return the files of a wheel."""
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def check_wheel(wheel: Path, scratch: Path) -> None:
    """Install the wheel in a bare environment, and use what needs no TensorFlow."""
    run(BIN / "uv", "venv", "--quiet", "--python", sys.executable, scratch / "venv")
    pip = (BIN / "uv", "pip", "install", "--quiet", "--python", scratch / "venv")
    run(*pip, "--constraint", ROOT / "locks" / "demo.txt", wheel)
    assert (scratch / "venv" / "share" / "man" / "man1" / "graphspec.1").is_file()
    use(scratch / "venv" / "bin" / "graphspec", scratch)


def use(graphspec: Path, folder: Path) -> None:
    """Run the commands of a newcomer, in `folder`."""
    assert f"version {__version__}" in run(graphspec, "--version", cwd=folder)
    run(graphspec, "doctor", cwd=folder)
    run(graphspec, "new", "first", cwd=folder)
    run(graphspec, "validate", "first", cwd=folder)


def check_container(scratch: Path) -> None:
    """Run the steps of Containerfile as far as they go without an engine, and train with what they install."""
    source, environment, work = scratch / "source", scratch / "opt", scratch / "work"
    copy_context(source)
    work.mkdir()
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    run(source / "container" / "install.sh", environment, PATH=path, PIP_NO_COMPILE="1")  # it is used once
    graphspec = environment / "bin" / "graphspec"
    use(graphspec, work)
    run(graphspec, "doctor", "tensorflow", "arrays", cwd=work)
    run(graphspec, "train", "first/spec.yaml", "--set", "training.epochs=1", "--run-dir", "run", cwd=work)
    assert (work / "run" / "model.keras").is_file()


def copy_context(folder: Path) -> None:
    """Copy to `folder` what .dockerignore lets an engine see."""
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    for line in lines:
        if not line.startswith("!"):
            continue
        source, target = ROOT / line[1:], folder / line[1:]
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)


def run(*command: object, cwd: Path | None = None, **variables: str) -> str:
    """Run a command, without the variables of this environment, and return its output; a failure ends the script."""
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    done = subprocess.run(
        [str(each) for each in command],
        cwd=cwd,
        env={**kept, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        words = " ".join(str(each) for each in command)
        raise SystemExit(f"{words} ended with the status {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done.stdout


@contextmanager
def step(name: str) -> Iterator[Path]:
    """Yield an empty folder for one check, and print its name with the time that it takes."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)
    print(f"{name}: ok ({time.monotonic() - started:.0f} s)", flush=True)


def main(dist: Path) -> None:
    """Check the wheel and the sdist in `dist`."""
    (wheel,) = dist.glob("*.whl")
    (sdist,) = dist.glob("*.tar.gz")
    assert (wheel.name, sdist.name) == (f"graphspec-{__version__}-py3-none-any.whl", f"graphspec-{__version__}.tar.gz")
    with step(f"{sdist.name} gives the same wheel") as folder:
        check_sdist(sdist, wheel, folder)
    with step(f"{wheel.name} works bare") as folder:
        check_wheel(wheel, folder)
    with step("Containerfile installs and trains") as folder:
        check_container(folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]))

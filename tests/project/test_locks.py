"""The locks that `make test` and `make demo` install: complete, of today's ranges, and without anyone's addresses."""

from __future__ import annotations

import importlib.metadata
import re
import tomllib
from pathlib import Path

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
EXTRAS: dict[str, list[str]] = PROJECT["project"]["optional-dependencies"]
LOCKS = {"dev": "dev", "demo": "tensorflow-cpu", "docs": "docs"}
"""Each lock, and the extra that it holds."""

ALL_LOCKS = (*LOCKS, "package")

PLATFORMS = {
    "Linux": ("linux", "x86_64", "posix"),
    "Linux on ARM": ("linux", "aarch64", "posix"),
    "macOS": ("darwin", "arm64", "posix"),
    "Windows": ("win32", "AMD64", "nt"),
}


def environment(python: str, platform: str) -> dict[str, str]:
    """The variables of markers for CPython of the version `python` on `platform`."""
    system, machine, os_name = PLATFORMS[platform]
    return {
        **{key: str(value) for key, value in default_environment().items()},
        "python_version": python,
        "python_full_version": f"{python}.0",
        "implementation_version": f"{python}.0",
        "sys_platform": system,
        "platform_machine": machine,
        "os_name": os_name,
        "platform_system": {"linux": "Linux", "darwin": "Darwin", "win32": "Windows"}[system],
    }


PYTHONS = ("3.11", "3.12", "3.13")
ENVIRONMENTS = [environment(python, platform) for python in PYTHONS for platform in PLATFORMS]


def locked(lock: str, variables: dict[str, str]) -> dict[str, str]:
    """The version of every package that `lock` installs in an environment; each stands there once."""
    versions: dict[str, str] = {}
    for line in (ROOT / "locks" / f"{lock}.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            continue
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate(variables):
            assert requirement.name not in versions
            (specifier,) = requirement.specifier
            assert specifier.operator == "=="
            versions[requirement.name] = specifier.version
    return versions


def required(extras: set[str], variables: dict[str, str]) -> list[Requirement]:
    """What graphspec with `extras`, and what builds it, requires in an environment."""
    found: list[Requirement] = []
    lists = [PROJECT["project"]["dependencies"], PROJECT["dependency-groups"]["build"], *(EXTRAS[e] for e in extras)]
    for requirement in (Requirement(text) for each in lists for text in each):
        if requirement.name == "graphspec":
            found += required(set(requirement.extras), variables)
        elif requirement.marker is None or requirement.marker.evaluate(variables):
            found.append(requirement)
    return found


@pytest.mark.parametrize("lock", LOCKS)
def test_lock_is_not_stale(lock: str) -> None:
    """A lock holds all that pyproject.toml asks for, in its ranges, on every platform; where not, run `make lock`."""
    for variables in ENVIRONMENTS:
        versions = locked(lock, variables)
        wanted = required({LOCKS[lock]}, variables)
        assert len(wanted) >= 5
        for each in wanted:
            version = versions.get(canonicalize_name(each.name))
            assert version is not None, f"{each.name} is missing"
            assert each.specifier.contains(version), f"{each.name}=={version} is not {each.specifier}"


@pytest.mark.parametrize("lock", LOCKS)
def test_lock_is_complete(lock: str) -> None:
    """What the locked packages require themselves is locked too, and all are for every Python that graphspec is for."""
    variables = {key: str(value) for key, value in default_environment().items()}
    versions = locked(lock, variables)
    seen = 0
    for name, version in versions.items():
        try:
            installed = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            continue
        if installed.version != version:
            continue
        seen += 1
        for pythons in installed.metadata.get_all("Requires-Python") or ():
            refused = [each for each in PYTHONS if not SpecifierSet(pythons).contains(each)]
            assert refused == [], f"{name} {version} is not for Python {refused}"
        for requirement in map(Requirement, installed.requires or ()):
            if requirement.marker is None or requirement.marker.evaluate({**variables, "extra": ""}):
                found = versions.get(canonicalize_name(requirement.name))
                assert found is not None, f"{name} requires {requirement.name}"
                assert requirement.specifier.contains(found, prereleases=True), f"{name} requires {requirement}"
    assert seen > 20


def test_lock_of_packaging_is_not_stale() -> None:
    """What `make package` runs beside the lock of development is locked in the range of pyproject.toml."""
    for variables in ENVIRONMENTS:
        versions = locked("package", variables)
        for each in map(Requirement, PROJECT["dependency-groups"]["package"]):
            assert each.specifier.contains(versions[canonicalize_name(each.name)]), str(each)


@pytest.mark.parametrize("lock", ALL_LOCKS)
def test_lock_holds_versions_and_no_addresses(lock: str) -> None:
    """Each line is a name, a version and a marker: no index, no path and no option of the machine that made it."""
    lines = (ROOT / "locks" / f"{lock}.txt").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if re.search(r"[/@\\]|://|(^|\s)-", line)] == []
    packages = [line for line in lines if not line.startswith("#")]
    assert [line for line in packages if not re.fullmatch(r"[a-z0-9-]+==[a-z0-9.+!]+( ; [^\n]+)?", line)] == []


def test_demo_and_tests_run_the_same_releases() -> None:
    """What both locks hold they hold in one version, so that what the tests have seen is what the demo runs."""
    for variables in ENVIRONMENTS:
        dev, demo = locked("dev", variables), locked("demo", variables)
        assert demo.items() <= dev.items()


def test_no_version_is_locked_to_one_build() -> None:
    """No local version, as `2.13.0+cpu`, is locked: only some machines have it."""
    for lock in ALL_LOCKS:
        assert [name for name, version in locked(lock, ENVIRONMENTS[0]).items() if "+" in version] == []


def test_ranges_have_both_ends() -> None:
    """What graphspec itself needs has the oldest release that is tried, and ends below the next that may break it."""
    lists = [
        PROJECT["project"]["dependencies"],
        *(each for name, each in EXTRAS.items() if name not in ("dev", "test")),
    ]
    for requirement in (Requirement(text) for each in lists for text in each):
        if requirement.name == "graphspec":  # another of its own extras
            continue
        operators = sorted(specifier.operator for specifier in requirement.specifier)
        assert operators == ["<", ">="], str(requirement)

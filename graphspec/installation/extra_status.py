"""The extras: which are installed, in which versions, and whether they work."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, packages_distributions, requires, version
from importlib.util import find_spec
from itertools import chain
from typing import Any

from graphspec.extras import EXTRAS, PURPOSES, install_command
from graphspec.installation.child_process import Outcome, outcomes
from graphspec.installation.home import without_home


class Status(StrEnum):
    """The status of an extra; `missing` if one of its packages is not installed."""

    WORKS = "works"
    BROKEN = "broken"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class ExtraStatus:
    """An extra and its status.

    Attributes:
        name: A name of EXTRAS.
        status: Whether it works.
        packages: The installed packages of it, with their versions.
        missing: The modules of it that are not installed.
        problem: What fails, as one line; empty unless it is broken.
        seconds: The seconds that its import and a tiny use take.
        facts: What the trial found, such as the devices of TensorFlow.
    """

    name: str
    status: Status
    packages: Mapping[str, str]
    missing: tuple[str, ...] = ()
    problem: str = ""
    seconds: float | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return the extra for `--json`, without `facts`."""
        return {
            "name": self.name,
            "status": self.status.value,
            "purpose": PURPOSES[self.name],
            "packages": dict(self.packages),
            "missing": list(self.missing),
            "problem": self.problem or None,
            "seconds": None if self.seconds is None else round(self.seconds, 2),
            "install": install_command(self.name),
        }


def extra_statuses(extras: Iterable[str] = EXTRAS) -> Iterator[ExtraStatus]:
    """Try `extras`, and yield their statuses in order, each as soon as it is known."""
    distributions, wanted = _packages_of_modules(), requirements()
    found: dict[str, tuple[dict[str, str], tuple[str, ...]]] = {}
    for extra in extras:
        installed = {
            module: _distributions(module, distributions, wanted.get(extra, set())) for module in EXTRAS[extra]
        }
        packages = {name: version_of(name) for names in installed.values() for name in names or ()}
        found[extra] = packages, tuple(module for module, names in installed.items() if names is None)
    installed_extras = [extra for extra, (_, missing) in found.items() if not missing]
    alone = [extra for extra in installed_extras if extra == "tensorflow"]  # other imports would slow it
    tried = chain(outcomes(alone), outcomes([extra for extra in installed_extras if extra not in alone]))
    for extra, (packages, missing) in found.items():
        if missing:
            yield ExtraStatus(extra, Status.MISSING, packages, missing)
        else:
            yield _status(extra, packages, next(tried))


def _status(extra: str, packages: dict[str, str], outcome: Outcome) -> ExtraStatus:
    if outcome.problem:
        return ExtraStatus(extra, Status.BROKEN, packages, problem=without_home(outcome.problem))
    return ExtraStatus(extra, Status.WORKS, packages, seconds=outcome.seconds, facts=outcome.facts)


def requirements() -> dict[str, set[str]]:
    """Return the packages that each extra requires by the metadata of graphspec, and those of the core under ``.

    Empty where graphspec runs without an installation.
    """
    try:
        lines = requires("graphspec") or []
    except PackageNotFoundError:
        return {}
    found: dict[str, set[str]] = {}
    for line in lines:
        extra = re.search(r"extra == ['\"]([\w-]+)['\"]", line)
        name = re.match(r"[\w.-]+", line)
        if name is not None:
            found.setdefault(extra[1] if extra else "", set()).add(_normalised(name[0]))
    return found


def _packages_of_modules() -> Mapping[str, list[str]]:
    """Return the packages that bring each module; empty where the metadata of one is damaged."""
    try:
        return packages_distributions()
    except FileNotFoundError:  # of the package importlib_metadata, once it is imported; Python's own gives no name
        return {}


def version_of(package: str) -> str:
    """Return the version of an installed package; `unknown` where its metadata is damaged."""
    try:
        return version(package) or "unknown"
    except (PackageNotFoundError, KeyError):
        return "unknown"


def _distributions(module: str, distributions: Mapping[str, list[str]], wanted: set[str]) -> list[str] | None:
    """Return the packages that bring `module`; None if it is not installed.

    Several packages can share a namespace such as `google`: there, only those that the extra requires count.
    """
    spec = find_spec(module)
    names = sorted({_normalised(name) for name in distributions.get(module, ()) if name})
    required = [name for name in names if name in wanted]
    if spec is None or (spec.origin is None and distributions and wanted and not required):
        return None
    return required or names


def _normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()

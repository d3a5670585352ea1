"""A plugin of pytest that measures which test runs which line, in processes that tests start as well.

coverage.py measures a process that finds COVERAGE_PROCESS_START in its environment, and takes as the context of all its
lines what PYTEST_CURRENT_TEST says: the test that started it.
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

FOLDER = "MUTATION_MEASUREMENT"
"""The variable of the environment that says where to write the measurement."""

_SETTINGS = """\
[run]
source = graphspec
parallel = true
relative_files = true
context = ${{PYTEST_CURRENT_TEST-}}
data_file = {data}

[paths]
modules =
    graphspec
    */graphspec
"""


class _Measuring:
    def __init__(self, folder: Path) -> None:
        import coverage  # in the function: who only tries mutants by hand needs none

        self.folder = folder
        self.seconds: dict[str, float] = defaultdict(float)
        settings = folder / "settings.ini"
        settings.write_text(_SETTINGS.format(data=folder / "coverage"), encoding="utf-8")
        self.coverage: Any = coverage.Coverage(config_file=str(settings))
        self.whole: Any = coverage.Coverage(config_file=str(settings))
        self.whole.set_option("run:parallel", False)
        self.coverage.start()
        os.environ["COVERAGE_PROCESS_START"] = str(settings)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Iterator[None]:
        yield from self._in_context(item, "setup")

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Iterator[None]:
        yield from self._in_context(item, "call")

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> Iterator[None]:
        yield from self._in_context(item, "teardown")

    def _in_context(self, item: pytest.Item, phase: str) -> Iterator[None]:
        self.coverage.switch_context(f"{item.nodeid} ({phase})")
        try:
            return (yield)
        finally:
            self.coverage.switch_context("")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.seconds[report.nodeid] += report.duration

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self) -> None:
        self.coverage.stop()
        self.coverage.save()
        self.whole.combine()
        self.whole.save()
        (self.folder / "seconds.json").write_text(json.dumps(self.seconds), encoding="utf-8")


def pytest_configure(config: pytest.Config) -> None:
    """Begin to measure."""
    config.pluginmanager.register(_Measuring(Path(os.environ[FOLDER])))

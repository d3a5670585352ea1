"""A headless Chromium, where one is installed: what it makes of a page, says of it, fetches for it and draws."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

PROGRAM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
needs_chromium = pytest.mark.skipif(PROGRAM is None, reason="no Chromium is installed")

_QUIET = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--hide-scrollbars", "--virtual-time-budget=4000"),
)
_OWN = (".google.com", ".googleapis.com", ".gvt1.com", ".gstatic.com")
"""Hosts that Chromium asks on its own account, whatever it shows."""


@dataclass(frozen=True)
class Seen:
    """The elements of a page when its scripts have run, the messages on its console, and what was fetched for it."""

    dom: str
    console: list[str]
    fetched: list[str]


def look(page: Path, width: int = 1200, height: int = 2400) -> Seen:
    """Open a page from its file, in a window of that size."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "net.json"
        done = _run(
            Path(folder),
            "--enable-logging=stderr",
            f"--log-net-log={log}",
            f"--window-size={width},{height}",
            "--dump-dom",
            page.as_uri(),
        )
        urls = set(re.findall(r'"url":"((?:https?|wss?)://[^"\\]+)', log.read_text(encoding="utf-8", errors="replace")))
    hosts = {url: "." + (urlsplit(url).hostname or "") for url in urls}
    fetched = sorted(url for url, host in hosts.items() if not host.endswith(_OWN))
    return Seen(done.stdout, [line for line in done.stderr.splitlines() if ":CONSOLE" in line], fetched)


def picture(page: Path, to: Path, width: int, height: int, *, dark: bool = False) -> Path:
    """A picture of the first `height` pixels of a page, `width` wide."""
    looks = ["--blink-settings=preferredColorScheme=0"] if dark else []
    with tempfile.TemporaryDirectory() as folder:
        _run(Path(folder), *looks, f"--screenshot={to}", f"--window-size={width},{height}", page.as_uri())
    return to


def attribute(dom: str, name: str) -> object:
    """The JSON in an attribute of the page's body that a script of a test has set."""
    found = re.search(rf'{name}="([^"]*)"', dom)
    assert found is not None, f"no {name}"
    return json.loads(found[1].replace("&quot;", '"'))


def _run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    assert PROGRAM is not None
    command = [PROGRAM, *_QUIET, f"--user-data-dir={folder}/profile", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)

"""Network namespaces with an address each, as if every worker had a machine of its own."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

ADDRESSES = ("10.231.77.1", "10.231.77.2")


@dataclass(frozen=True)
class Namespace:
    """A namespace by its name, with the address and the link of its only worker."""

    name: str
    address: str
    link: str

    @property
    def prefix(self) -> list[str]:
        """The words that run a command in it."""
        return ["ip", "netns", "exec", self.name]

    def cut(self) -> None:
        """Take its link down: packets are lost, and no connection is closed."""
        _ip("-n", self.name, "link", "set", self.link, "down")


def missing() -> str:
    """Return why there are no namespaces here; empty if there are."""
    if shutil.which("ip") is None or not hasattr(os, "geteuid") or os.geteuid() != 0:
        return "network namespaces need root and `ip`"
    name = f"gs{secrets.token_hex(3)}"
    made = subprocess.run(["ip", "netns", "add", name], capture_output=True)
    subprocess.run(["ip", "netns", "del", name], capture_output=True)
    return "" if made.returncode == 0 else "network namespaces cannot be made here"


@contextmanager
def two_namespaces() -> Iterator[tuple[Namespace, Namespace]]:
    """Make two namespaces that reach each other by a pair of links; remove them on leaving."""
    mark = secrets.token_hex(3)
    spaces = tuple(
        Namespace(f"gs{mark}{number}", address, f"v{mark}{number}") for number, address in enumerate(ADDRESSES)
    )
    try:
        for each in spaces:
            _ip("netns", "add", each.name)
        _ip("link", "add", spaces[0].link, "type", "veth", "peer", "name", spaces[1].link)
        for each in spaces:
            _ip("link", "set", each.link, "netns", each.name)
            _ip("-n", each.name, "address", "add", f"{each.address}/24", "dev", each.link)
            for link in ("lo", each.link):
                _ip("-n", each.name, "link", "set", link, "up")
        yield spaces[0], spaces[1]
    finally:
        for each in spaces:
            subprocess.run(["ip", "netns", "del", each.name], capture_output=True)


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)

"""The manual page: that of the commands as they are, and without a fault that a formatter would warn of."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import click
import pytest

from graphspec.cli.main import COMMANDS

from ..commands import command_of
from ..scripts import SCRIPTS, load_script

MAN = load_script(SCRIPTS / "make_man.py")
PAGE: Path = MAN.PAGE


def test_the_page_is_not_stale() -> None:
    """The page is what `python scripts/make_man.py` writes; run it after a change of a help text."""
    assert PAGE.read_text(encoding="utf-8") == MAN.page()


def test_the_page_tells_all() -> None:
    """Each command, and each of its options, is on the page."""
    text = PAGE.read_text(encoding="utf-8").replace("\\-", "-").replace("\\:", "")
    for name in COMMANDS:
        command = command_of(name)
        assert f'\n.SS "graphspec {name} ' in text
        options = [each for each in command.params if isinstance(each, click.Option) and not each.hidden]
        assert [each.opts for each in options if each.opts[-1] not in text] == []


@pytest.mark.skipif(shutil.which("groff") is None, reason="groff is not installed")
def test_the_page_is_formatted_without_a_warning() -> None:
    """What man runs finds nothing to warn of, and examples keep their lines."""
    done = subprocess.run(["groff", "-ww", "-man", "-Tascii", PAGE], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert "graphspec validate specs/ --format sarif -o findings.sarif\n" in done.stdout

"""Edits as an editor sends them: a sample of `scripts/edit_sessions.py`."""

from __future__ import annotations

import pytest

from tests.scripts import SCRIPTS, load_script

script = load_script(SCRIPTS / "edit_sessions.py")


@pytest.mark.parametrize("seed", [1, 2])
def test_random_edits_leave_the_state_of_a_fresh_start(seed: int) -> None:
    """After any edits, undo included, the server knows what it knows of the same texts opened anew."""
    script.random_edits(300, seed, every=100)


def test_typed_sessions_give_the_findings_of_validate() -> None:
    """Typing with typos, fixing, renaming and undoing: at each pause the findings are those of the command."""
    assert script.sessions(3, seed=3) > 20

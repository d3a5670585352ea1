"""The configurations in `editors/`: each as its editor reads it, and in the editor where it is installed."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from tests.editor.configurations.program import EDITORS, ROOT, environment_with_program
from tests.editor.server.test_checks import MISTAKE

SERVER = ["graphspec", "server"]

NEOVIM = """
local function found() return vim.diagnostic.get(0) end
vim.wait(30000, function() return #found() > 0 end, 20)
vim.fn.writefile({vim.json.encode({code = found()[1].code, line = found()[1].lnum})}, "seen.json")
"""

EMACS = """
(setq eglot-sync-connect 30 eglot-send-changes-idle-time 0)
(find-file "spec.yaml")
(apply #'eglot--connect (eglot--guess-contact))
(flymake-mode 1)
(let ((end (time-add nil 30)))
  (while (and (time-less-p nil end) (null (flymake-diagnostics)))
    (flymake-start)
    (accept-process-output nil 0.1)))
(let ((found (car (flymake-diagnostics))))
  (with-temp-file "seen.json"
    (insert (json-encode
             `((line . ,(with-current-buffer "spec.yaml" (line-number-at-pos (flymake-diagnostic-beg found))))
               (text . ,(flymake-diagnostic-text found)))))))
"""


def seen_by(editor: list[str], script: str, name: str, folder: Path) -> dict[str, object]:
    """Run an editor on a spec with one mistake, and return what its script says that it shows."""
    (folder / "spec.yaml").write_text(MISTAKE, encoding="utf-8")
    (folder / name).write_text(script, encoding="utf-8")
    environment = environment_with_program(folder)
    done = subprocess.run(editor, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert (folder / "seen.json").exists(), done.stdout + done.stderr
    seen: dict[str, object] = json.loads((folder / "seen.json").read_text(encoding="utf-8"))
    return seen


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("nvim") is None, reason="Neovim is not installed: apt-get install neovim")
def test_neovim_finds_the_mistake(tmp_path: Path) -> None:
    """With its configuration, Neovim starts the server for a YAML file and shows what it finds."""
    start = ["nvim", "--headless", "--clean", "-i", "NONE", "-n", "+filetype on", f"+luafile {EDITORS}/neovim.lua"]
    seen = seen_by([*start, "+edit spec.yaml", "+luafile drive.lua", "+qall!"], NEOVIM, "drive.lua", tmp_path)
    assert seen == {"code": "GS201", "line": 3}


@pytest.mark.slow
def test_emacs_finds_the_mistake(tmp_path: Path) -> None:
    """With its configuration, Emacs starts the server for a YAML file and shows what it finds."""
    if shutil.which("emacs") is None:
        pytest.skip("Emacs is not installed: apt-get install emacs-nox elpa-yaml-mode elpa-eglot")
    modes = "(progn (require 'eglot) (require 'yaml-mode))"
    if subprocess.run(["emacs", "--batch", "--eval", modes], capture_output=True, check=False).returncode:
        pytest.skip("Emacs has no eglot or no yaml-mode: apt-get install elpa-yaml-mode elpa-eglot")
    start = [
        "emacs",
        "--batch",
        "--load",
        str(EDITORS / "emacs.el"),
        "--eval",
        "(remove-hook 'yaml-mode-hook #'eglot-ensure)",
    ]
    seen = seen_by([*start, "--eval", "(require 'yaml-mode)", "--load", "drive.el"], EMACS, "drive.el", tmp_path)
    assert seen["line"] == 4
    assert "Dens" in str(seen["text"])


def test_helix_names_the_server() -> None:
    """Helix reads TOML: the server is declared, and YAML names it first, so that it formats."""
    languages = tomllib.loads((EDITORS / "helix.toml").read_text(encoding="utf-8"))
    server = languages["language-server"]["graphspec"]
    assert [server["command"], *server["args"]] == SERVER
    (yaml,) = languages["language"]
    assert (yaml["name"], yaml["language-servers"][0]) == ("yaml", "graphspec")


def test_zed_starts_the_server() -> None:
    """Zed reads JSON with comments: the server is started in the place of the one for YAML."""
    text = re.sub(r"(?m)^//.*$", "", (EDITORS / "zed.json").read_text(encoding="utf-8"))
    binary = json.loads(text)["lsp"]["yaml-language-server"]["binary"]
    assert [binary["path"], *binary["arguments"]] == SERVER


@pytest.mark.parametrize("name", ["neovim.lua", "helix.toml", "zed.json", "emacs.el", "schemastore.json"])
def test_the_docs_show_the_files_as_they_are(name: str) -> None:
    """What one copies from the docs is what is tested here."""
    assert (EDITORS / name).read_text(encoding="utf-8") in (ROOT / "docs" / "editors.md").read_text(encoding="utf-8")

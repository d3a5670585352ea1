"""A real editor: Neovim without a screen attaches to the server, shows its findings, and makes its edits."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.editor.server.test_checks import MISTAKE

SCRIPT = """
local uri_of = vim.uri_from_bufnr
vim.cmd("edit " .. vim.env.SPEC)
local buffer = vim.api.nvim_get_current_buf()
local command = vim.json.decode(vim.env.SERVER)
local client = vim.lsp.start_client({name = "graphspec", cmd = command, root_dir = vim.env.ROOT})
vim.lsp.buf_attach_client(buffer, client)
local seen = {}
local function diagnostics(count)
  vim.wait(30000, function() return #vim.diagnostic.get(buffer) == count end, 20)
  local found = {}
  for _, each in ipairs(vim.diagnostic.get(buffer)) do
    table.insert(found, {each.code, each.lnum, each.col, each.source})
  end
  return found
end
local function request(method, params)
  local answers = vim.lsp.buf_request_sync(buffer, method, params, 30000) or {}
  for _, answer in pairs(answers) do return answer.result end
end
local document = {uri = uri_of(buffer)}
seen.broken = diagnostics(1)
vim.api.nvim_buf_set_text(buffer, 3, 23, 3, 27, {"Dense"})
seen.fixed = diagnostics(0)
seen.hover = request("textDocument/hover", {textDocument = document, position = {line = 3, character = 24}})
local place = {line = 3, character = 2}
local edit = request("textDocument/rename", {textDocument = document, position = place, newName = "hidden"})
vim.lsp.util.apply_workspace_edit(edit, "utf-16")
seen.text = vim.api.nvim_buf_get_lines(buffer, 0, -1, false)
seen.renamed = diagnostics(0)
vim.fn.writefile({vim.json.encode(seen)}, vim.env.OUTPUT)
"""


@pytest.mark.skipif(shutil.which("nvim") is None, reason="Neovim is not installed: apt-get install neovim")
def test_neovim_shows_findings_and_makes_edits(tmp_path: Path) -> None:
    """The editor shows the finding of a mistake, sees it gone after a fix, hovers and renames."""
    (tmp_path / "spec.yaml").write_text(MISTAKE, encoding="utf-8")
    (tmp_path / "drive.lua").write_text(SCRIPT, encoding="utf-8")
    environment = {
        "SPEC": str(tmp_path / "spec.yaml"),
        "ROOT": str(tmp_path),
        "OUTPUT": str(tmp_path / "seen.json"),
        "SERVER": json.dumps([sys.executable, "-m", "graphspec", "server"]),
        "HOME": str(tmp_path),
        "PATH": "/usr/bin:/bin",
        "PYTHONPATH": str(Path(__file__).parents[3]),
    }
    command = ["nvim", "--headless", "--clean", "-i", "NONE", "-n", "+luafile drive.lua", "+qall!"]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert (tmp_path / "seen.json").exists(), done.stderr
    seen = json.loads((tmp_path / "seen.json").read_text(encoding="utf-8"))
    assert seen["broken"] == [["GS201", 3, 23, "graphspec"]]
    assert not seen["fixed"]
    assert "densely-connected" in seen["hover"]["contents"]["value"]
    assert seen["text"][3] == "  hidden: {from: x, apply: {Dense: 3}}"
    assert seen["text"][5] == "  y: {from: hidden, apply: {Dense: 1}}"
    assert not seen["renamed"]

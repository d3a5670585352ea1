"""The sandbox sees what it is there to see: files, connections, processes, and code that is executed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from .cases.case import BASE, CODE, Case
from .sandbox import ROOT, Sandbox

_DEEDS = {
    "writing": "open(OUT + '/a', 'w')",
    "appending": "open(OUT + '/a', 'ab')",
    "writing with flags": "os.open(OUT + '/a', os.O_RDWR | os.O_CREAT)",
    "writing through a link": "os.symlink(OUT + '/a', IN + '/l'); open(IN + '/l', 'w')",
    "removing": "os.remove(OUT + '/a')",
    "renaming to the outside": "open(IN + '/b', 'w').close(); os.rename(IN + '/b', OUT + '/b')",
    "making a folder": "os.mkdir(OUT + '/d')",
    "removing below an open folder": "os.remove('a', dir_fd=os.open(OUT, os.O_RDONLY | os.O_DIRECTORY))",
    "making a link": "os.symlink('x', OUT + '/l')",
    "permissions": "os.chmod(OUT, 0o777)",
    "times": "os.utime(OUT)",
    "cutting": "os.truncate(OUT + '/a', 0)",
    "a data base": "sqlite3.connect(OUT + '/db')",
    "reading": "open(OUT + '/a').read()",
    "reading a secret": "open(IN + '/secret').read()",
    "listing": "os.listdir(OUT)",
    "listing all files": "os.scandir('/')",
    "connecting": "socket.create_connection(('127.0.0.1', 9))",
    "looking up": "socket.getaddrinfo('localhost', 9)",
    "listening": "socket.socket().bind(('127.0.0.1', 0))",
    "fetching": "urllib.request.urlopen('http://127.0.0.1:9/')",
    "a program": "subprocess.run(['true'])",
    "a shell": "os.system('true')",
    "a process": "os.posix_spawn('/bin/true', ['true'], {})",
    "another program": "os.execv('/bin/true-that-is-not', ['true'])",
    "a pickle": "pickle.loads(PICKLE)",
    "marshalled code": "marshal.loads(marshal.dumps(compile('1', '<x>', 'eval')))",
    "a module beside": "sys.path.insert(0, IN); import evil",
    "code of a file": "exec(compile('1', IN + '/evil.py', 'exec'))",
    "hostile text": "eval('1 or hostile_payload')",
    "a library": "ctypes.CDLL(IN + '/evil.so')",
}
_ALLOWED = {
    "writing inside": "open(IN + '/a', 'w').close(); os.remove(IN + '/a')",
    "reading inside": "open(IN + '/evil.py').read(); os.listdir(IN)",
    "importing": "import wave, xml.dom.minidom, decimal",
    "removing a folder inside": "os.makedirs(IN + '/x/y'); __import__('shutil').rmtree(IN + '/x')",
    "no device": "open(os.devnull, 'w').write('x')",
}
_PROGRAM = """
import ctypes, json, marshal, os, pickle, socket, sqlite3, subprocess, sys, urllib.request
from tests.security.audit import Limits, Recorder
from tests.security.cases.contents import PICKLE
IN, OUT, deeds = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
sys.dont_write_bytecode = True
os.chdir(IN)  # what the pickle executes leaves a file
recorder, heard = Recorder(), {}
recorder.install()
for what, deed in deeds.items():
    recorder.faults, code = [], compile(deed, "<deed>", "exec")
    recorder.limits = Limits(reads=(IN,), writes=(IN,), secrets=(IN + "/secret",))
    try:
        exec(code)
    except (OSError, ImportError):
        pass
    recorder.limits = None
    heard[what] = recorder.faults
print(json.dumps(heard))
"""


def _heard(tmp_path: Path, deeds: dict[str, str]) -> dict[str, list[str]]:
    inside, outside = tmp_path / "in", tmp_path / "out"
    inside.mkdir()
    outside.mkdir()
    (inside / "evil.py").write_text("x = 1\n")
    (inside / "secret").write_text("x")
    (outside / "a").write_text("x")
    command = [sys.executable, "-c", _PROGRAM, str(inside), str(outside), json.dumps(deeds)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    found: dict[str, list[str]] = json.loads(done.stdout)
    return found


def test_every_deed_outside_of_the_limits_is_seen(tmp_path: Path) -> None:
    """What is written, removed, read, listed, connected to, started or executed outside of the limits is a fault."""
    assert [what for what, faults in _heard(tmp_path, _DEEDS).items() if not faults] == []


def test_what_is_allowed_is_no_fault(tmp_path: Path) -> None:
    """What lies within the limits, and what Python does for itself, is none."""
    assert {what: faults for what, faults in _heard(tmp_path, _ALLOWED).items() if faults} == {}


@pytest.mark.parametrize("command", [["schema", "-o", "../outside/victim.txt"], ["fmt", "spec.yaml"]], ids=" ".join)
def test_command_that_writes_is_seen(command: list[str], place: Path, sandbox: Sandbox) -> None:
    """A command of graphspec that writes where it may not is seen by the hook and by the comparison of folders."""
    case = Case("written", "training: {optimizer: sgd}\n" + BASE.replace("training", "# training"))
    case.lay_out(place)
    faults = sandbox.run(place, command, case.limits(place)).faults
    assert any("for writing" in fault for fault in faults)
    assert any(fault.startswith("changed: ") for fault in faults)


def test_plugin_is_seen_to_run(place: Path, building: Sandbox) -> None:
    """The code of a plugin, which runs in `summary` and may do anything, is seen."""
    case = Case("plugin", "plugins: [evil]\n" + BASE, {"evil.py": CODE})
    case.lay_out(place)
    faults = building.run(place, ["summary", "spec.yaml"], case.limits(place)).faults
    assert any(fault.startswith("executes ") for fault in faults)
    assert any(fault.startswith("os.system") for fault in faults)

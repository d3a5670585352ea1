"""The process in which commands run: `python -m tests.security.child`, a job a line in, a result a line out.

The hook is installed before graphspec is imported, so that what its imports do is seen with the first command.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import tempfile
import time
import traceback
from contextlib import suppress
from typing import Any

from .audit import Limits, Recorder
from .editor_session import EditorSession

_SHOWN = 20_000


def main() -> None:
    sys.dont_write_bytecode = True
    if megabytes := os.environ.get("SANDBOX_ADDRESSES_MB"):
        resource.setrlimit(resource.RLIMIT_AS, (int(megabytes) * 2**20,) * 2)
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    jobs = os.fdopen(os.dup(0), encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_RDWR), 0)
    os.dup2(0, 1)
    recorder = Recorder()
    recorder.install()
    print(json.dumps({"ready": True}), file=answers, flush=True)
    for line in jobs:
        print(json.dumps(_work(json.loads(line), recorder)), file=answers, flush=True)


def _work(job: dict[str, Any], recorder: Recorder) -> dict[str, Any]:
    """Run one command, and tell how it ended, what it printed, what it took and which limits it broke."""
    from click.testing import CliRunner

    os.chdir(job["folder"])
    tempfile.tempdir = None  # it is looked up anew
    _forget_peak()
    before, modules = time.process_time(), set(sys.modules)
    recorder.faults = []
    folders = {key: tuple(job["limits"][key]) for key in ("reads", "writes", "secrets")}
    recorder.limits = Limits(folders["reads"], folders["writes"], folders["secrets"], job["limits"]["starts"])
    session = EditorSession(job["input"]) if job["arguments"] == ["server"] else None
    try:
        from graphspec.cli import main as graphspec

        runner = CliRunner(env=job["environment"])
        command = job["arguments"], job["input"].encode()
        result = runner.invoke(graphspec, command[0], input=command[1], prog_name="graphspec")
        output = result.stdout_bytes.decode("utf-8", "replace") + result.stderr_bytes.decode("utf-8", "replace")
        status = result.exit_code
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            output += "".join(traceback.format_exception(result.exception))
    except BaseException:
        status, output = -1, traceback.format_exc()
    finally:
        answers = session.close() if session is not None else ""
        recorder.limits = None
    seconds = time.process_time() - before
    for name in set(sys.modules) - modules:  # a plugin of one case is not that of another
        if str(getattr(sys.modules[name], "__file__", None) or "").startswith(job["folder"]):
            del sys.modules[name]
    return {
        "status": status,
        "output": answers[:_SHOWN] + answers[_SHOWN:][-_SHOWN:] + output[:_SHOWN],
        "seconds": seconds,
        "megabytes": _peak(),
        "faults": recorder.faults,
    }


def _peak() -> float:
    """The most megabytes that this process had; `ru_maxrss` begins with those of the process that started it."""
    with open("/proc/self/status", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmHWM:")) / 2**10


def _forget_peak() -> None:
    with suppress(OSError), open("/proc/self/clear_refs", "w", encoding="ascii") as file:
        file.write("5")


if __name__ == "__main__":
    main()

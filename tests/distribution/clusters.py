"""A cluster manager that runs a job by processes of one machine, as far as they can stand for others."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml

from graphspec.distribution.local_cluster import free_addresses

ROOT = Path(__file__).resolve().parent.parent.parent


def with_program(folder: Path, name: str, *command: str) -> dict[str, str]:
    """Return the environment of this process with a program `name` on its path that runs `command`."""
    binaries = folder / "bin"
    binaries.mkdir(exist_ok=True)
    program = binaries / name
    program.write_text(f'#!/bin/sh\nexec {shlex.join(command)} "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    path = os.environ["PATH"]
    return {**os.environ, "PATH": path if path.startswith(str(binaries)) else f"{binaries}:{path}"}


def run_pods(manifest: str, folder: Path, environment: Mapping[str, str], seconds: float = 300) -> list[int]:
    """Run the container of each pod of a manifest until all have ended, and return their exit statuses.

    Args:
        manifest: The text of the manifest.
        folder: The root of the volume.
        environment: The environment of the image.
        seconds: The time after which the test fails.
    """
    service, job = yaml.safe_load_all(manifest)
    pod = job["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    count, name = job["spec"]["completions"], job["metadata"]["name"]
    assert pod["subdomain"] == service["metadata"]["name"]
    assert service["spec"]["selector"].items() <= job["spec"]["template"]["metadata"]["labels"].items()
    hosts = [f"{name}-{index}.{pod['subdomain']}:2222" for index in range(count)]
    addresses = dict(zip(hosts, free_addresses(count), strict=True))
    processes = []
    for index in range(count):
        own = _environment(container["env"], {"batch.kubernetes.io/job-completion-index": str(index)})
        for host, address in addresses.items():
            own["TF_CONFIG"] = own["TF_CONFIG"].replace(host, address)
        own["JOB_COMPLETION_INDEX"] = str(index)  # the Job sets it too
        command = [_expanded(each, own) for each in (*container["command"], *container["args"])]
        processes.append(subprocess.Popen(command, cwd=folder, env={**environment, **own}))
    return _wait(processes, seconds)


def _environment(entries: Sequence[Mapping[str, Any]], annotations: Mapping[str, str]) -> dict[str, str]:
    values: dict[str, str] = {}
    for entry in entries:
        if "valueFrom" in entry:
            path = entry["valueFrom"]["fieldRef"]["fieldPath"]
            match = re.fullmatch(r"metadata\.annotations\['(.*)'\]", path)
            assert match is not None
            values[entry["name"]] = annotations[match[1]]
        else:
            values[entry["name"]] = _expanded(entry["value"], values)
    return values


def _expanded(text: str, values: Mapping[str, str]) -> str:
    """Replace `$(NAME)` by the value of a variable, if there is one, and `$$` by `$`, as Kubernetes does."""
    return re.sub(r"\$(?:\$|\(([^)]*)\))", lambda at: "$" if at[1] is None else values.get(at[1], at[0]), text)


def _wait(processes: Sequence[subprocess.Popen[Any]], seconds: float) -> list[int]:
    end = time.monotonic() + seconds
    try:
        return [process.wait(max(0.1, end - time.monotonic())) for process in processes]
    finally:
        for process in processes:
            if process.poll() is None:
                process.kill()
                process.wait()


class Slurm:
    """A Slurm of one machine: `srun` and `scontrol` on the path, and a queue of one job."""

    def __init__(self, folder: Path, nodes: int, environment: Mapping[str, str]) -> None:
        self.folder = folder
        binaries = Path(environment["PATH"].partition(":")[0])
        for name in ("srun", "scontrol"):
            with_program(binaries.parent, name, sys.executable, str(Path(__file__).with_name(f"fake_{name}.py")))
        self.environment = {
            **environment,
            "SLURM_JOB_ID": "4711",
            "SLURM_JOB_NODELIST": f"node[1-{nodes}]",
            "SLURM_NTASKS": str(nodes),
            "FAKE_ADDRESSES": json.dumps(free_addresses(nodes)),
            "FAKE_QUEUE": str(folder / "requeued"),
        }

    def start(self, script: Path) -> subprocess.Popen[str]:
        """Start a script as Slurm starts it on the first node."""
        (self.folder / "requeued").unlink(missing_ok=True)
        return subprocess.Popen(
            ["bash", str(script)],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, script: Path, seconds: float = 300) -> tuple[int, str]:
        """Run a script to its end, and return its exit status and output."""
        return self.finish(self.start(script), seconds)

    def finish(self, process: subprocess.Popen[str], seconds: float = 300) -> tuple[int, str]:
        """Wait for the end of a script, and return its exit status and output; it ends in any case."""
        try:
            output, _ = process.communicate(timeout=seconds)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        return process.wait(), output

    @property
    def is_requeued(self) -> bool:
        """Return whether the last job has put itself into the queue again."""
        return (self.folder / "requeued").exists()

"""`srun` of a Slurm of one machine: runs a command as often as there are nodes.

Signals are passed on; with --kill-on-bad-exit one task that fails ends all. The names of nodes become local addresses.
"""

import json
import os
import signal
import subprocess
import sys
import time

words = sys.argv[1:]
options = [words.pop(0) for _ in range(next(at for at, word in enumerate(words) if not word.startswith("--")))]
assert all(option.startswith(("--kill-on-bad-exit=1", "--cpus-per-task=")) for option in options), options
cluster = json.loads(os.environ["CLUSTER"])
addresses = json.loads(os.environ["FAKE_ADDRESSES"])
assert cluster["worker"] == [f"node{index + 1}:24711" for index in range(len(addresses))], cluster
tasks = [
    subprocess.Popen(
        words, env={**os.environ, "SLURM_PROCID": str(index), "CLUSTER": json.dumps({"worker": addresses})}
    )
    for index in range(int(os.environ["SLURM_NTASKS"]))
]


def pass_on(number: int, frame: object) -> None:
    for task in tasks:
        if task.poll() is None:
            task.send_signal(number)


signal.signal(signal.SIGTERM, pass_on)
ended_at = 0.0
while None in [task.poll() for task in tasks]:
    if not ended_at and any(task.returncode for task in tasks):
        ended_at = time.monotonic()
        pass_on(signal.SIGTERM, None)
    if ended_at and time.monotonic() - ended_at > 15:
        pass_on(signal.SIGKILL, None)
    time.sleep(0.02)
sys.exit(max(128 - task.returncode if task.returncode < 0 else task.returncode for task in tasks))

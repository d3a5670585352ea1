"""How much memory a training takes whose data is much larger.

    python bench/larger_than_memory.py [gigabytes]        by default 20

The data is a sparse `.npy` file of that size, which takes no space on the disk and reads as zeros. It is trained on
from end to end in another process, in random order, and the most memory of that process is shown.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROW = 1 << 14
"""Bytes of a sample."""

SPEC = """
graphspec: 1
inputs: {x: {shape: [64, 256], dtype: uint8}}
outputs: {y: {from: x, apply: [Flatten, {Rescaling: 0.01}, {Dense: 1}], loss: mse}}
training: {optimizer: sgd, epochs: 1, batch_size: 256}
data: {train: {inputs: {x: x.npy}, outputs: {y: y.npy}}}
"""

TRAIN = """
import sys, graphspec
graphspec.train(sys.argv[1], run_dir=sys.argv[2])
status = open("/proc/self/status").read()
print(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")))
"""


def main() -> None:
    """Make the file, train on it, and print time and memory."""
    size = int(float(sys.argv[1] if len(sys.argv) > 1 else 20) * 2**30)
    count = size // ROW
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with open(folder / "x.npy", "wb") as file:
            header = {"descr": "|u1", "fortran_order": False, "shape": (count, 64, 256)}
            np.lib.format.write_array_header_1_0(file, header)
            file.truncate(file.tell() + count * ROW)
        np.save(folder / "y.npy", np.zeros(count, np.float32))
        (folder / "spec.yaml").write_text(SPEC, encoding="utf-8")
        began = time.perf_counter()
        command = [sys.executable, "-c", TRAIN, folder / "spec.yaml", folder / "run"]
        done = subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ})
        seconds = time.perf_counter() - began
    most = int(done.stdout.split()[-1]) / 2**20
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    print(f"{size / 2**30:.0f} GiB, {count:,} samples: {seconds:.0f} s in all, at most {most:.2f} GiB of memory")


if __name__ == "__main__":
    main()

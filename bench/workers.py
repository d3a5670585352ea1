"""Steps a second of one process and of several workers on this machine, and the bytes that a step moves.

    python bench/workers.py                      one process, 1 and 2 workers, three models
    python bench/workers.py --workers 1 2 4      other numbers
    python bench/workers.py --computed           only what is computed from specs, for docs/scale.md
    PYTHONPATH=. python bench/workers.py --namespaces    also 2 workers in network namespaces, as root

Each figure is the fastest epoch but the first of a training of its own. All workers share the cores of this machine, so
that two of them show what a step costs besides, not what two machines gain.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np

import graphspec
from graphspec.distribution.cost import step_cost

ROWS, WIDTH = 4096, 64
SPEC = """\
graphspec: 1
name: bench
inputs: {{x: [{width}]}}
outputs: {{y: {{from: x, apply: [{layers}{{Dense: 1}}], loss: mse}}}}
training: {{optimizer: adam, epochs: 4, batch_size: 128}}
data: {{train: {{file: data.npz, inputs: {{x: {{key: x}}}}, outputs: {{y: {{key: y}}}}}}}}
"""
MODELS = {"8 thousand": (1, 128), "0.8 million": (4, 512), "13 million": (4, 2048)}
COMPUTED = ("specs/wine.yaml", "specs/same_digit.yaml", "specs/text_qa.yaml", "specs/vqa.yaml")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--computed", action="store_true")
    parser.add_argument("--namespaces", action="store_true")
    options = parser.parse_args()
    if not options.computed:
        measure(options.workers, namespaces=options.namespaces)
    print("\n| spec | gradient | sent by each of 2, 8, 64 workers | inputs of a batch |\n|---|---|---|---|")
    for path in COMPUTED:
        cost = step_cost(graphspec.load(path))
        sent = ", ".join(_size(cost.sent(count)) for count in (2, 8, 64))
        print(f"| `{path}` | {_size(cost.gradients)} | {sent} | {_size(cost.inputs)} |")


def measure(counts: list[int], *, namespaces: bool) -> None:
    """Print steps a second for each model."""
    columns = ["one process", *(f"{count} worker{'s' if count > 1 else ''}" for count in counts)]
    columns += ["2 workers in namespaces"] if namespaces else []
    print(f"| parameters | {' | '.join(columns)} |\n|{'---|' * (len(columns) + 1)}")
    for name, (depth, units) in MODELS.items():
        with tempfile.TemporaryDirectory() as folder:
            rng = np.random.default_rng(0)
            x = rng.normal(size=(ROWS, WIDTH)).astype(np.float32)
            np.savez(Path(folder) / "data.npz", x=x, y=x[:, :1])
            layers = f"{{Dense: {{units: {units}, activation: relu}}}}, " * depth
            (Path(folder) / "spec.yaml").write_text(SPEC.format(width=WIDTH, layers=layers))
            figures = [steps_per_second(Path(folder), count) for count in (0, *counts)]
            if namespaces:
                from tests.distribution.namespaces import two_namespaces

                with two_namespaces() as spaces:
                    prefixes = {f"{each.address}:2222": each.prefix for each in spaces}
                    figures.append(steps_per_second(Path(folder), 2, prefixes))
        print(f"| {name} | {' | '.join(f'{each:,.0f}' for each in figures)} |", flush=True)


def steps_per_second(folder: Path, count: int, prefixes: Mapping[str, Sequence[str]] | None = None) -> float:
    """Return the steps a second of the best epoch of a training.

    Args:
        folder: The folder with the spec.
        count: The number of workers, 0 for one process without any.
        prefixes: The words before the command of each worker, by its address; by default ports of this machine.
    """
    run = folder / f"run{count}{'-apart' if prefixes else ''}"
    command = [sys.executable, "-m", "graphspec", "train", "spec.yaml", "--quiet", "--run-dir", str(run)]
    # One step a call, as with workers: otherwise a small model is measured without what a step costs in Python.
    command += ["--set", "training.distribute=multi_worker" if count else "training.steps_per_execution=1"]
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        own = [f"127.0.0.1:{each.getsockname()[1]}" for each in sockets]
    addresses = list(prefixes or own)
    processes = []
    for index in range(max(1, count)):
        config = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}
        environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "3"}
        environment |= {"TF_CONFIG": json.dumps(config)} if count else {}
        words = [*(prefixes[addresses[index]] if prefixes else ()), *command]
        processes.append(subprocess.Popen(words, cwd=folder, env=environment, stdout=subprocess.DEVNULL))
    try:
        if any(process.wait(600) for process in processes):
            raise SystemExit("a worker has failed")
    finally:
        for process in processes:
            process.kill()
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return max(row["time/samples_per_second"] for row in rows[1:]) / 128


def _size(count: int | None) -> str:
    if count is None:
        return "unknown"
    return f"{count / 1e6:,.2f} MB" if count >= 1e4 else f"{count / 1e3:,.1f} kB"


if __name__ == "__main__":
    main()

"""What TensorFlow says of itself is shown by no command: neither while it is imported, nor afterwards."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import graphspec

ROOT = Path(__file__).resolve().parents[2]
SPEC = """
graphspec: 1
inputs: {x: [2]}
outputs: {y: {from: x, apply: {Dense: 1}, loss: mse}}
training: {optimizer: sgd, epochs: 1, batch_size: 8}
search: {parameters: {training.batch_size: [4, 8]}, trials: 1}
data:
  train: {file: rows.csv, inputs: {x: {columns: [a, b]}}, outputs: {y: {column: y}}}
  test: {file: more.csv, inputs: {x: {columns: [a, b]}}, outputs: {y: {column: y}}}
"""
CALLS = (
    *("summary spec.yaml", "validate --deep spec.yaml", "train spec.yaml --run-dir new", "evaluate run"),
    *("predict run --split test", "predict run/model.keras -i x=rows.csv#a,b", "export run --to keras -o out.keras"),
    *("report run", "tune spec.yaml --study-dir study", "verify-resume spec.yaml --kills 1 --epochs 1"),
)
NOTICE = re.compile(r"^(WARNING:|[IWEF]\d{4} |\d{4}-\d\d-\d\d \S+ [IWEF] )|absl|oneDNN|cuda|retracing", re.MULTILINE)

FAKE = """
import os, stat
with open(os.environ["SEEN"], "w") as file:  # what is written to a file that is no pipe is held back
    file.write("shown" if stat.S_ISFIFO(os.fstat(2).st_mode) else "held back")
os._exit(0)
"""

EVERYTHING = """
import shlex, sys
from graphspec.cli import main
for line in sys.argv[1:]:
    try:
        main(shlex.split(line), prog_name="graphspec")
    except SystemExit as done:
        assert not done.code, (line, done.code)
import tensorflow as tf
try:
    tf.io.decode_jpeg(b"\\xff\\xd8\\xff\\xe0 nonsense")  # TensorFlow logs this as an error before it raises it
except tf.errors.InvalidArgumentError:
    pass
@tf.function
def traced(number):
    return number
for number in range(8):
    traced(number)  # of this it warns
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A spec with its data and a run."""
    path = tmp_path_factory.mktemp("quiet")
    rows = [f"{i},{-i},{i}" for i in range(16)]
    for name in ("rows.csv", "more.csv"):
        (path / name).write_text("\n".join(["a,b,y", *rows]), encoding="utf-8")
    (path / "spec.yaml").write_text(SPEC, encoding="utf-8")
    graphspec.train(path / "spec.yaml", run_dir=path / "run")
    return path


def plain_shell(**more: str) -> dict[str, str]:
    """The environment without a word to TensorFlow."""
    left_out = ("TF_", "KERAS_", "CUDA_", "PYTHONWARNINGS", "GITHUB_ACTIONS")
    return {name: value for name, value in os.environ.items() if not name.startswith(left_out)} | more


@pytest.mark.parametrize("line", CALLS)
def test_tensorflow_is_imported_without_a_word(folder: Path, tmp_path: Path, line: str) -> None:
    """Whatever is imported first of it, its notices are held back while that is done."""
    for name in ("keras", "tensorflow"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(FAKE, encoding="utf-8")
    seen = tmp_path / "seen"
    environment = plain_shell(PYTHONPATH=f"{tmp_path}{os.pathsep}{ROOT}", SEEN=str(seen))
    command = [sys.executable, "-m", "graphspec", *line.replace("new", str(tmp_path / "new")).split()]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert seen.exists(), done.stderr
    assert seen.read_text(encoding="utf-8") == "held back"


LOOKING = """
import os
class config:
    looked = False
    @classmethod
    def list_physical_devices(cls, kind):
        if not cls.looked:
            os.write(2, b"E0000 00:00:1 1 cuda_platform.cc:51] failed call to cuInit: CUDA_ERROR_NO_DEVICE\\n")
        cls.looked = True
"""


def test_a_missing_gpu_is_no_news(tmp_path: Path) -> None:
    """Where TensorFlow finds no GPU, it says so when it first looks for one: while nothing is shown."""
    for name, text in (("keras", ""), ("tensorflow", LOOKING)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(text, encoding="utf-8")
    code = (
        "from graphspec.extras import require_tensorflow; require_tensorflow()\n"
        "import tensorflow; tensorflow.config.list_physical_devices('GPU'); print('loaded')"
    )
    environment = plain_shell(PYTHONPATH=f"{tmp_path}{os.pathsep}{ROOT}")
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("loaded\n", "")


@pytest.mark.slow
def test_no_command_shows_what_tensorflow_says_of_itself(folder: Path) -> None:
    """All of them in a row, and then what TensorFlow logs as errors and warnings, leave only words of graphspec."""
    command = [sys.executable, "-c", EVERYTHING, *CALLS[:-1]]
    environment = plain_shell(PYTHONPATH=str(ROOT))
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "epoch 1/1" in done.stderr
    assert not NOTICE.search(done.stdout + done.stderr), done.stderr

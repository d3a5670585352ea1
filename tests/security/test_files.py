"""Files that a spec or a command line names: regular ones are read, up to a bound, and nothing else is opened."""

from __future__ import annotations

import ast
import os
import signal
import socket
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

import graphspec
from graphspec.cli import main
from graphspec.diagnostics import SpecError
from graphspec.files import LargeFileError, NotRegularError, open_file, read_bytes, write_whole
from graphspec.validation import validate

Write = Callable[..., Path]
PACKAGE = Path(graphspec.__file__).parent

SPEC = """
graphspec: 1
inputs: {x: [2]}
outputs: {y: {from: x, apply: {Dense: 1}, loss: mse}}
training: {optimizer: adam}
"""

ODD = ("pipe", "socket", "device", "link to a device", "of the kernel", "link to itself", "dangling link", "folder")


@pytest.fixture(autouse=True)
def nothing_hangs() -> Iterator[None]:
    """A test that waits for a pipe fails after a while, and does not wait for ever."""

    def fail(*_: object) -> None:
        raise AssertionError("it hangs")

    before = signal.signal(signal.SIGALRM, fail)
    signal.alarm(60)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def odd(path: Path, kind: str) -> Path:
    """Make something that is no regular file at `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    targets = {"device": "/dev/zero", "of the kernel": "/proc/self/environ", "dangling link": "nowhere"}
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "socket":
        here = Path.cwd()
        os.chdir(path.parent)  # the name of a socket may have 107 bytes
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(path.name)
        os.chdir(here)
    elif kind == "folder":
        path.mkdir()
    elif kind == "link to itself":
        path.symlink_to(path.name)
    elif kind == "link to a device":
        path.with_name("between").symlink_to("/dev/zero")
        path.symlink_to("between")
    else:
        path.symlink_to(targets[kind])
    return path


def call(*arguments: object) -> Result:
    return CliRunner().invoke(main, [*map(str, arguments)])


@pytest.mark.parametrize("kind", ODD)
def test_nothing_but_a_regular_file_is_opened(tmp_path: Path, kind: str) -> None:
    """Each kind of what is no file is an OSError that says what it is, at once."""
    with pytest.raises(OSError, match=r"pipe|socket|device|kernel|symbolic links|No such file|directory"):
        open_file(odd(tmp_path / "x", kind))


def test_a_name_that_no_file_can_have_is_an_error_of_the_system() -> None:
    """NUL, lone surrogates and names that are too long give an OSError, not a ValueError."""
    for name in ("a\0b", "\ud800", "a" * 300, "a/" * 5_000):
        with pytest.raises(OSError, match=r".+"):
            open_file(name)


def test_a_text_that_is_too_large_is_not_read_whole(tmp_path: Path) -> None:
    """Of a sparse file of many gigabytes no more than the bound is read."""
    path = tmp_path / "sparse"
    with open(path, "wb") as file:
        file.truncate(50 * 2**30)
    with pytest.raises(LargeFileError):
        read_bytes(path, 2**20)
    with open_file(path) as opened:
        assert os.get_blocking(opened.fileno())
        assert not os.get_inheritable(opened.fileno())


@pytest.mark.parametrize("kind", ODD)
@pytest.mark.parametrize(
    ("code", "name", "text"),
    [
        ("GS001", "part.yaml", "include: [part.yaml]"),
        ("GS001", "part.yaml", "models: {m: {spec: part.yaml}}"),
        ("GS601", "m.keras", "models: {m: {file: m.keras}}"),
        ("GS601", "m.weights.h5", "training: {optimizer: adam, initial_weights: m.weights.h5}"),
        ("GS60", "a.npy", "data: {train: {inputs: {x: a.npy}, outputs: {y: y.npy}}}"),
        ("GS60", "a.npz", "data: {train: {inputs: {x: {file: a.npz, key: x}}, outputs: {y: y.npy}}}"),
        ("GS60", "a.csv", "data: {train: {inputs: {x: {file: a.csv, columns: [a, b]}}, outputs: {y: y.npy}}}"),
        ("GS60", "a.jsonl", "data: {train: {inputs: {x: {file: a.jsonl, column: a}}, outputs: {y: y.npy}}}"),
        ("GS60", "a.parquet", "data: {train: {inputs: {x: {file: a.parquet, column: a}}, outputs: {y: y.npy}}}"),
        ("GS60", "a.feather", "data: {train: {inputs: {x: {file: a.feather, column: a}}, outputs: {y: y.npy}}}"),
        ("GS60", "a.arrow", "data: {train: {inputs: {x: {file: a.arrow, column: a}}, outputs: {y: y.npy}}}"),
        ("GS60", "a.tfrecord", "data: {train: {inputs: {x: {file: a.tfrecord, feature: a}}, outputs: {y: y.npy}}}"),
        ("GS60", "a.png", "data: {train: {inputs: {x: {file: a.png, decode: image}}, outputs: {y: y.npy}}}"),
        ("GS60", "d/a.npy", "data: {train: {inputs: {x: 'd/*.npy'}, outputs: {y: y.npy}}}"),
        ("GS60", "d/a.png", "data: {train: {inputs: {x: {files: 'd/*.png', decode: image}}, outputs: {y: y.npy}}}"),
    ],
)
def test_whatever_a_spec_names_is_a_regular_file_or_a_finding(
    write: Write, tmp_path: Path, code: str, name: str, text: str, kind: str
) -> None:
    """In each place of a spec that names a file, a pipe, a device and the like is one finding, and nothing waits."""
    odd(tmp_path / name, kind)
    np.save(tmp_path / "y.npy", np.zeros((3, 1)))
    spec = SPEC.replace("training: {optimizer: adam}\n", "") if text.startswith("training") else SPEC
    spec = spec.replace("{Dense: 1}", "[m, {Dense: 1}]") if text.startswith("models") else spec
    report = validate(write(spec + text + "\n"))
    found = [each for each in report if each.rule.code.startswith(code)]
    assert found, [each.message for each in report]
    assert not [each for each in report if each.rule.code == "GS902"]


@pytest.mark.parametrize("kind", ["pipe", "device", "link to itself"])
def test_commands_do_not_wait_for_what_they_are_given(write: Write, tmp_path: Path, kind: str) -> None:
    """Spec, model and data on a command line, and settings beside a spec: each ends in findings."""
    spec, good = odd(tmp_path / "odd" / "s.yaml", kind), write(SPEC)
    model = odd(tmp_path / "odd2" / "m.keras", kind)
    odd(tmp_path / "pyproject.toml", kind)
    assert call("validate", good).exit_code == 0
    for arguments in (
        ["validate", spec],
        ["validate", spec.parent],
        ["fmt", spec],
        ["fmt", spec.parent],
        ["summary", spec],
        ["train", spec],
        ["evaluate", model],
        ["predict", model, "-i", f"x={model}", "-o", tmp_path / "out.npz"],
        ["export", model, "--to", "keras"],
    ):
        result = call(*arguments)
        assert result.exit_code in (1, 2), (arguments, result.output, result.exception)
        assert "GS902" not in result.output + result.stderr


def test_weights_that_a_layer_starts_from_are_a_regular_file(write: Write, tmp_path: Path) -> None:
    """A `{file: ...}` initializer of a pipe is a finding when the model is built."""
    os.mkfifo(tmp_path / "v.npy")
    with pytest.raises(SpecError, match="named pipe"):
        graphspec.build(write(SPEC.replace("{Dense: 1}", "{Dense: {units: 1, kernel_initializer: {file: v.npy}}}")))


def test_weights_of_another_shape_are_refused_unread(write: Write, tmp_path: Path) -> None:
    """A sparse array of 200 GiB under an initializer is refused by its header."""
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({50 * 2**30},), }}".ljust(117) + "\n"
    with open(tmp_path / "v.npy", "wb") as file:
        file.write(b"\x93NUMPY\x01\x00v\x00" + header.encode())
        file.truncate(128 + 200 * 2**30)
    with pytest.raises(SpecError, match="shape"):
        graphspec.build(write(SPEC.replace("{Dense: 1}", "{Dense: {units: 1, kernel_initializer: {file: v.npy}}}")))


def test_files_are_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What fails leaves the old content; rights stay; a link goes on leading there; a device is written to."""
    path = tmp_path / "report.json"
    path.write_bytes(b"old")
    path.chmod(0o640)
    (tmp_path / "link").symlink_to("report.json")
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
        with pytest.raises(OSError, match="No space"):
            write_whole(tmp_path / "link", b"new")
    assert path.read_bytes() == b"old"
    write_whole(tmp_path / "link", b"new")
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert (tmp_path / "link").is_symlink()
    assert sorted(each.name for each in tmp_path.iterdir()) == ["link", "report.json"]
    write_whole("/dev/null", b"new")
    with pytest.raises(NotRegularError):
        open_file("/dev/null")


ALLOWED = {
    ("files.py", "open"): "the one function that opens, and the list of mounted file systems",
    ("files.py", "os.open"): "the one function that opens",
    ("language/document/read_yaml.py", ".open"): "a method of its own, which opens no file",
    ("sources/formats/npz.py", ".open"): "a member of an archive that `open_file` opened",
    ("files.py", "ZipFile"): "is given an open file",
    ("console/silence.py", "os.open"): "os.devnull, to write to",
    ("console/streams.py", "os.open"): "os.devnull, in the place of a standard stream that is closed",
    ("run_directory/files.py", "os.open"): "files that graphspec writes in a run, through no link",
    ("cli/_verify_resume.py", "os.open"): "the log of the process that it starts, to write to",
    ("cli/_verify_resume.py", ".read_text"): "the log of the process that it started, in a folder that it made",
    ("catalog/generated.py", ".read_text"): "a file of the package",
    ("distribution/worker_process.py", "open"): "the log of a worker, which `open_own` opened",
    ("distribution/adapted_state.py", "np.load"): "is given bytes of another worker, without objects of Python",
    ("tuning/worker.py", "open"): "the number that the kernel gives a machine, and a file that `open_own` opened",
    ("editor/json_schema/__init__.py", ".read_text"): "a file of the package",
    ("installation/trials.py", "Image.open"): "is given an image in memory",
    ("diagnostics/rules/__init__.py", ".read_text"): "a file of the package",
    ("runs/report/page.py", ".read_text"): "a file of the package",
    ("drawing/page/document.py", ".read_text"): "a file of the package",
    ("from_keras/archive.py", ".open"): "a member of an archive that `zip_in` opened",
    ("hdf5_file.py", "h5py.File"): "is given an open file",
    ("sources/cache.py", "os.open"): "the folder of the cache, to flush it",
    ("sources/cache_folder.py", "open"): "files of the cache, which are locked: its folder is the user's own",
    ("sources/sample_files.py", "np.load"): "files of the cache, which graphspec wrote",
    ("starters/table.py", ".memory_map"): "takes a path; `check_file` opens the file right before",
    ("starters/table.py", "ParquetFile"): "takes a path; `check_file` opens the file right before",
    ("starters/templates.py", ".read_bytes"): "a file of the package",
    ("to_python/random_operations.py", ".read_text"): "a file of the package",
    ("sources/formats/npy.py", "np.memmap"): "is given a file that `open_file` opened",
    ("sources/formats/record_framing.py", "gzip.open"): "is given a file that `open_file` opened",
    ("sources/formats/image_file.py", "Image.open"): "is given a file that `open_file` opened",
    ("sources/formats/arrow.py", ".memory_map"): "takes a path; `readable` opens the file right before",
    ("sources/formats/parquet.py", "ParquetFile"): "takes a path; `readable` opens the file right before",
    ("to_keras/saved_file.py", ".load_model"): "takes a path; the file was opened and looked through right before",
    ("to_keras/weights.py", "h5py.File"): "is given a file that `open_file` opened, and one that Keras wrote just now",
    ("to_keras/weights.py", ".load_weights"): "a file that Keras wrote just now",
    ("predicting/shared_predictions.py", "np.load"): "reads bytes that another worker sent, not a file",
    ("runs/run.py", ".load_weights"): "takes a path; the file was opened and looked through right before",
    ("exporting/keras.py", ".load_model"): "the file that it wrote just now",
}
"""By module and call: why something else than `graphspec.files` may open a file for reading."""

READING = {
    *("open", "io.open", "os.open", "ZipFile", "gzip.open", "h5py.File", "Image.open", "ParquetFile", "mmap.mmap"),
    *(f"np.{name}" for name in ("load", "memmap", "fromfile", "loadtxt", "genfromtxt")),
    *(".open", ".read_text", ".read_bytes", ".memory_map", ".OSFile", ".load_model", ".load_weights", ".open_memmap"),
}
LAST_NAMES = {each.rpartition(".")[2] for each in READING}


def opened_in(module: Path) -> Iterator[str]:
    """The calls in `module` that open a file for reading, or could."""
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute | ast.Name):
            continue
        if (node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id) not in LAST_NAMES:
            continue  # to unparse every call would take ten times as long
        name = ast.unparse(node.func)
        last = name.rpartition(".")[2]
        modes = [*node.args[1:2], *(word.value for word in node.keywords if word.arg == "mode")]
        writes = any(isinstance(mode, ast.Constant) and str(mode.value)[:1] in "wax" for mode in modes)
        writes = writes or any(isinstance(mode, ast.Constant) and mode.value == "rb+" for mode in modes)
        writes = writes or (name == "open" and module.name != "files.py" and ast.unparse(node.args[0]) == "handle")
        tried = (
            [name, f".{last}", last if last[0].isupper() else ""] if isinstance(node.func, ast.Attribute) else [name]
        )
        known = next((each for each in tried if each in READING), None)
        if known is not None and not writes:
            yield known


def test_one_function_opens_files() -> None:
    """No module of graphspec opens a file for reading but by `graphspec.files`, or for a reason that stands here."""
    found = {
        (module.relative_to(PACKAGE).as_posix(), call) for module in PACKAGE.rglob("*.py") for call in opened_in(module)
    }
    assert found == set(ALLOWED)

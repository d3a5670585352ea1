"""Files of weights and of models that are not what they seem: none opens another file, and none takes all memory."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest

import graphspec
from graphspec.diagnostics import SpecError
from graphspec.validation import validate

Write = Callable[..., Path]
SECRET = 4711.5

SPEC = """
graphspec: 1
inputs: {x: [4]}
outputs: {y: {from: x, apply: {Dense: 2}, loss: mse}}
training: {optimizer: sgd}
data: {train: {inputs: {x: x.npy}, outputs: {y: y.npy}}}
"""
LAYER = "layers/dense"


def model() -> keras.Model:
    x = keras.Input((4,), name="x")
    return keras.Model({"x": x}, {"y": keras.layers.Dense(2, name="y")(x)})


def _external_link(file: h5py.File, folder: Path) -> None:
    del file[LAYER]
    file[LAYER] = h5py.ExternalLink(str(folder / "secret.h5"), LAYER)


def _link_of_a_weight(file: h5py.File, folder: Path) -> None:
    del file[f"{LAYER}/vars/0"]
    file[f"{LAYER}/vars/0"] = h5py.ExternalLink(str(folder / "secret.h5"), f"{LAYER}/vars/0")


def _soft_link(file: h5py.File, _: Path) -> None:
    file["layers/more"] = h5py.SoftLink(f"/{LAYER}")


def _external_storage(file: h5py.File, folder: Path) -> None:
    del file[f"{LAYER}/vars/0"]
    file.create_dataset(
        f"{LAYER}/vars/0", shape=(4, 2), dtype="f4", external=[(str(folder / "raw"), 0, h5py.h5f.UNLIMITED)]
    )


def _virtual(file: h5py.File, folder: Path) -> None:
    layout = h5py.VirtualLayout((4, 2), "f4")
    layout[:] = h5py.VirtualSource(str(folder / "secret.h5"), f"{LAYER}/vars/0", (4, 2), "f4")
    del file[f"{LAYER}/vars/0"]
    file.create_virtual_dataset(f"{LAYER}/vars/0", layout)


def _circle(file: h5py.File, _: Path) -> None:
    file[f"{LAYER}/again"] = file["layers"]


def _itself(file: h5py.File, _: Path) -> None:
    file["layers/root"] = file["/"]


def _doubling(file: h5py.File, _: Path) -> None:
    group = file.create_group("layers/g0")
    for number in range(1, 40):
        inner = group.create_group(f"g{number}")
        group["again"] = inner
        group = inner


def _deep(file: h5py.File, _: Path) -> None:
    group = file["layers"]
    for _number in range(3_000):
        group = group.create_group("g")


def _absurd(file: h5py.File, _: Path) -> None:
    file.create_dataset("layers/other/vars/0", shape=(10**13,), dtype="f4", chunks=(1024,))


def _absurd_in_the_place_of_a_weight(file: h5py.File, _: Path) -> None:
    del file[f"{LAYER}/vars/0"]
    file.create_dataset(f"{LAYER}/vars/0", shape=(4, 10**12), dtype="f4", chunks=(4, 1024))


def _wide(file: h5py.File, _: Path) -> None:
    del file[f"{LAYER}/vars/0"]
    file.create_dataset(f"{LAYER}/vars/0", shape=(4, 2), dtype="S100000000", chunks=(1, 1))


def _chunk(file: h5py.File, _: Path) -> None:
    del file[f"{LAYER}/vars/0"]
    file.create_dataset(
        f"{LAYER}/vars/0", shape=(4, 2), maxshape=(None, None), chunks=(2**14, 2**14), dtype="f4", compression="gzip"
    )


def _objects(file: h5py.File, _: Path) -> None:
    del file[f"{LAYER}/vars/0"]
    file.create_dataset(f"{LAYER}/vars/0", shape=(4, 2), dtype=h5py.string_dtype())


HOSTILE = {
    each.__name__[1:]: each
    for each in (
        *(_external_link, _link_of_a_weight, _soft_link, _external_storage, _virtual, _circle, _itself, _doubling),
        *(_deep, _absurd, _absurd_in_the_place_of_a_weight, _wide, _chunk, _objects),
    )
}
"""What is done to a sound file of weights."""


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model and its weights, as Keras writes them, and another file with a number that nobody named."""
    folder = tmp_path_factory.mktemp("sound")
    made = model()
    made.save(folder / "m.keras")
    made.save_weights(folder / "m.weights.h5")
    made.set_weights([np.full((4, 2), SECRET), np.full(2, SECRET)])
    made.save_weights(folder / "secret.weights.h5")
    return folder


@pytest.fixture
def folder(tmp_path: Path, sound: Path) -> Path:
    for name, into in (("m.keras", "m.keras"), ("m.weights.h5", "m.weights.h5"), ("secret.weights.h5", "secret.h5")):
        (tmp_path / into).write_bytes((sound / name).read_bytes())
    (tmp_path / "raw").write_bytes(np.full(8, SECRET, "f4").tobytes())
    np.save(tmp_path / "x.npy", np.zeros((4, 4), "f4"))
    np.save(tmp_path / "y.npy", np.zeros((4, 2), "f4"))
    return tmp_path


def in_archive(path: Path, change: Callable[[dict[str, bytes]], None], how: int = zipfile.ZIP_STORED) -> None:
    """Change the members of the archive at `path`."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    change(members)
    with zipfile.ZipFile(path, "w", how) as archive:
        for name, data in members.items():
            archive.writestr(name, data)


PART = "models: {n: {inputs: {a: [4]}, outputs: {y: {from: a, apply: {Dense: 2}}}, weights: FILE}}\n"
USES = {
    "weights of a model": ("m.weights.h5", SPEC.replace("{Dense: 2}", "n") + PART.replace("FILE", "m.weights.h5")),
    "weights of a model in an archive": ("m.keras", SPEC.replace("{Dense: 2}", "n") + PART.replace("FILE", "m.keras")),
    "a model": ("m.keras", SPEC.replace("{Dense: 2}", "m") + "models: {m: {file: m.keras}}\n"),
    "weights to start from": ("m.keras", SPEC.replace("sgd}", "sgd, initial_weights: m.keras}")),
}
"""Where a spec can name such a file: the name, and the spec."""


def refusal(path: Path, use: str) -> SpecError:
    """The error that what builds the spec ends in."""
    train = partial(graphspec.train, run_dir=path.with_name("run"))
    with pytest.raises(SpecError) as refused:
        (train if use == "weights to start from" else graphspec.build)(path)
    return refused.value


@pytest.mark.parametrize("kind", HOSTILE)
@pytest.mark.parametrize("use", [*USES][:3])
def test_a_file_of_weights_is_a_tree_of_its_own_arrays(write: Write, folder: Path, kind: str, use: str) -> None:
    """Links, foreign storage, circles and absurd sizes are one finding, wherever the file is named."""
    name, text = USES[use]
    if name.endswith(".h5"):
        with h5py.File(folder / name, "r+") as file:
            HOSTILE[kind](file, folder)
    else:

        def change(members: dict[str, bytes]) -> None:
            held = io.BytesIO(members["model.weights.h5"])
            with h5py.File(held, "r+") as file:
                HOSTILE[kind](file, folder)
            members["model.weights.h5"] = held.getvalue()

        in_archive(folder / name, change)
    (found,) = refusal(write(text), use).report
    assert found.rule.code == "GS602", found.message
    assert name in found.message
    assert "recursion" not in found.message
    assert str(SECRET) not in found.message


@pytest.mark.parametrize("use", [*USES][1:])
@pytest.mark.parametrize("member", ["model.weights.h5", "assets/more"])
def test_an_archive_does_not_unpack_to_much_more_than_it_is(write: Write, folder: Path, use: str, member: str) -> None:
    """A `.keras` file of zeros that are zipped is refused before they are unpacked."""
    text = USES[use][1]

    def fill(members: dict[str, bytes]) -> None:
        members[member] = members.get(member, b"") + b" " * 100_000_000

    in_archive(folder / "m.keras", fill, zipfile.ZIP_DEFLATED)
    assert (folder / "m.keras").stat().st_size < 1_000_000
    assert "would unpack to" in str(refusal(write(text), use))
    assert not validate(write(text)).errors  # it is for what builds to open it


def test_a_model_without_its_weights_is_refused(write: Write, folder: Path) -> None:
    """A `.keras` file with weights of another kind, such as pickles, is none."""

    def change(members: dict[str, bytes]) -> None:
        members["model.weights.npz"] = members.pop("model.weights.h5")

    in_archive(folder / "m.keras", change)
    assert [each.rule.code for each in refusal(write(USES["a model"][1]), "a model").report] == ["GS602"]


def test_a_run_whose_model_was_replaced_is_refused(write: Write, folder: Path) -> None:
    """`evaluate` looks through the model of a run as well."""
    run = graphspec.train(write(SPEC), run_dir=folder / "run")

    def change(members: dict[str, bytes]) -> None:
        held = io.BytesIO(members["model.weights.h5"])
        with h5py.File(held, "r+") as file:
            _link_of_a_weight(file, folder)
        members["model.weights.h5"] = held.getvalue()

    in_archive(run.path / "model.keras", change)
    with pytest.raises(SpecError, match="is a link"):
        run.model()


def _replace_in_config(members: dict[str, bytes], old: str, new: str) -> None:
    text = members["config.json"].decode()
    assert re.search(old, text)
    members["config.json"] = re.sub(old, new, text).encode()


@pytest.mark.parametrize(
    ("old", "new"),
    [('"units": 2', '"units": 100000000'), (r'"input_shape": \[null, \d+\]', '"input_shape": [100000, 100000]')],
    ids=["a layer that can be built", "a shape that does not fit"],
)
def test_a_model_is_no_larger_than_its_file(write: Write, folder: Path, old: str, new: str) -> None:
    """A configuration of far more weights than the file holds is refused before they are made."""
    in_archive(folder / "m.keras", lambda members: _replace_in_config(members, old, new))
    assert "far too small" in str(refusal(write(USES["a model"][1]), "a model"))


def test_a_large_configuration_is_not_looked_into(write: Write, folder: Path) -> None:
    """`validate` reads no configuration of many megabytes, and says nothing of it."""

    def change(members: dict[str, bytes]) -> None:
        members["config.json"] = b'{"more": [' + b"[]," * 6_000_000 + b"[]], " + members["config.json"][1:]

    in_archive(folder / "m.keras", change)
    assert not validate(write(USES["a model"][1])).errors

"""Saved models and files of weights that carry code, name objects of other modules, or lead to other files."""

from __future__ import annotations

import base64
import io
import json
import marshal
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from . import contents
from .case import CODE, Case, layers, training
from .contents import PICKLE, link

APPLIED = layers("[m, {Dense: 1}]", models="{m: {file: m.keras}}")
"""A spec that applies the saved model m.keras."""


def _weights(more: Callable[[h5py.File], Any] | None = None, kernel: Any = None) -> bytes:
    """The weights of the model of `_config`, and what else `more` puts into the file."""
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        held = file.create_group("layers/dense/vars")
        held.attrs["name"] = "d"
        if kernel is None:
            held["0"] = np.zeros((4, 1), "float32")
        held["1"] = np.zeros((1,), "float32")
        file.create_group("layers/input_layer/vars").attrs["name"] = "x"
        file.create_group("vars").attrs["name"] = "m"
        if more is not None:
            more(file)
    return buffer.getvalue()


def _layer(name: Any, config: Mapping[str, Any], module: str | None = "keras.layers", **more: Any) -> dict[str, Any]:
    """A layer between the input `x` and the rest, as Keras writes it."""
    history = {"shape": [None, 4], "dtype": "float32", "keras_history": ["x", 0, 0]}
    return {
        "module": module,
        "class_name": name,
        "config": {"name": "d", **config},
        "registered_name": None,
        "build_config": {"input_shape": [None, 4]},
        "name": "d",
        "inbound_nodes": [{"args": [{"class_name": "__keras_tensor__", "config": history}], "kwargs": {}}],
        **more,
    }


def _config(layer: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """The configuration of a model of one layer."""
    batch = {"batch_shape": [None, 4], "dtype": "float32", "sparse": False, "name": "x"}
    entry = {"module": "keras.layers", "class_name": "InputLayer", "config": batch, "registered_name": None}
    held = [{**entry, "name": "x", "inbound_nodes": []}, layer]
    return {
        "module": "keras.src.models.functional",
        "class_name": "Functional",
        "registered_name": "Functional",
        "config": {"name": "m", "layers": held, "input_layers": [["x", 0, 0]], "output_layers": [["d", 0, 0]]},
        "build_config": {"input_shape": None},
        "compile_config": {},
        **more,
    }


def _dense(**arguments: Any) -> dict[str, Any]:
    return _layer("Dense", {"units": 1, **arguments})


def _members(config: Any, weights: bytes | None = None, **more: bytes) -> dict[str, bytes]:
    text = config if isinstance(config, bytes) else json.dumps(config).encode()
    metadata = b'{"keras_version": "3.15.1", "date_saved": "2026-01-01@00:00:00"}'
    held = {
        "metadata.json": metadata,
        "config.json": text,
        "model.weights.h5": _weights() if weights is None else weights,
    }
    return {**held, **more}


def saved(layer: Mapping[str, Any], **more: Any) -> Callable[[Path], None]:
    """Make the file of a model of one layer."""
    return contents.archive(_members(_config(layer, **more)))


def _marshalled() -> list[Any]:
    code = compile(CODE, "<hostile>", "exec")
    return [base64.b64encode(marshal.dumps(code)).decode(), None, None]


def _function(name: str, module: str | None, registered: str | None = None) -> dict[str, Any]:
    return {"module": module, "class_name": "function", "config": name, "registered_name": registered or name}


def _instance(name: str, module: str | None, /, **config: Any) -> dict[str, Any]:
    return {"module": module, "class_name": name, "config": config, "registered_name": None}


_LAMBDA = {"class_name": "__lambda__", "config": {"value": _marshalled()}}
_LAYERS: dict[str, dict[str, Any]] = {
    "a Lambda of marshalled code": _layer("Lambda", {"function": _LAMBDA}),
    "a Lambda by its private module": _layer("Lambda", {"function": _LAMBDA}, "keras.src.layers.core.lambda_layer"),
    "a Lambda registered under another name": _layer("Lambda", {"function": _LAMBDA}, registered_name="Dense"),
    "a Lambda called Dense": _layer("Dense", {"units": 1, "activation": _LAMBDA}),
    "a Lambda with a prefix": _layer("keras>Lambda", {"function": _LAMBDA}, None),
    "a Lambda of Keras 2": _layer("Lambda", {"function": _marshalled(), "function_type": "lambda"}),
    "a Lambda of a function by name": _layer(
        "Lambda", {"function": _function("system", "os"), "arguments": {"command": "ls"}}
    ),
    "a Lambda in a wrapper": _layer("TimeDistributed", {"layer": _layer("Lambda", {"function": _LAMBDA})}),
    "a Lambda in a list": _layer("Pipeline", {"layers": [_layer("Lambda", {"function": _LAMBDA})]}),
    "a Lambda in a model": _layer("Sequential", {"layers": [_layer("Lambda", {"function": _LAMBDA})]}, "keras"),
    "a Lambda in a call": {
        **_dense(),
        "inbound_nodes": [{"args": [_LAMBDA], "kwargs": {"training": _LAMBDA}}],
    },
    "a function that is a lambda, deep": _dense(kernel_regularizer={"a": [{"b": _LAMBDA}]}),
    "a saved graph": _layer("TFSMLayer", {"filepath": "graph", "call_endpoint": "serve"}),
    "a layer of PyTorch": _layer("TorchModuleWrapper", {"module": base64.b64encode(PICKLE).decode()}),
    "a layer of Flax": _layer("FlaxLayer", {"module": PICKLE.hex()}),
    "a layer of JAX": _layer("JaxLayer", {"call_fn": _LAMBDA}),
    "a class of os": _layer("system", {"command": "ls"}, "os"),
    "a class of subprocess": _layer("Popen", {"args": ["touch", "pwned"]}, "subprocess"),
    "a class of builtins": _layer("exec", {"source": CODE}, "builtins"),
    "a class without a module": _layer("Popen", {"args": ["touch", "pwned"]}, None),
    "a class of a file beside it": _layer("Evil", {}, "bystander"),
    "a class of a module by a path": _layer("Evil", {}, "../bystander"),
    "a class of what Keras imports": _layer("os", {}, "keras.src.saving.saving_lib"),
    "a function that downloads": _layer("get_file", {"fname": "a", "origin": "http://127.0.0.1:9/a"}, "keras.utils"),
    "a function that loads models": _layer("load_model", {"filepath": "other.keras"}, "keras.models"),
    "a function that switches safety off": _layer("enable_unsafe_deserialization", {}, "keras.config"),
    "a class that is a number": _layer("Dense", {"units": 1}, None, class_name=5),
    "a class that is a list": _layer("Dense", {"units": 1}, None, class_name=["Lambda"]),
    "a class that is nothing": _layer("Dense", {"units": 1}, None, class_name=None),
    "a class of dots": _layer("..Lambda", {"function": _LAMBDA}),
    "a module of dots": _layer("Dense", {"units": 1}, "keras...os"),
    "a module that starts like Keras": _layer("Evil", {}, "keras_evil"),
    "a module of a sibling of Keras": _layer("Evil", {}, "keras_hub"),
    "an activation of os": _dense(activation=_function("system", "os")),
    "an activation of builtins": _dense(activation=_function("eval", "builtins")),
    "an activation that downloads": _dense(activation=_function("get_file", "keras.utils")),
    "an activation that is a class of subprocess": _dense(activation=_instance("Popen", "subprocess", args=["ls"])),
    "an initializer of NumPy": _dense(kernel_initializer=_function("load", "numpy")),
    "an initializer that loads a file": _dense(
        kernel_initializer=_instance("load_model", "keras.saving", filepath="/etc/passwd")
    ),
    "a regularizer of os": _dense(kernel_regularizer=_instance("_wrap_close", "os")),
    "a constraint of a registered name": _dense(
        kernel_constraint={**_instance("NonNeg", "os"), "registered_name": "os>system"}
    ),
    "a dtype policy of another module": _dense(dtype=_instance("DTypePolicy", "os", name="float32")),
    "a quantization of another module": _dense(quantization_config=_instance("Popen", "subprocess", args=["ls"])),
    "a type of TensorFlow": _dense(
        activation={
            **_instance("__typespec__", "os"),
            "spec_name": "system",
            "config": ["touch pwned"],
        }
    ),
    "a shared object": _dense(activation={**_LAMBDA, "shared_object_id": 1}),
    "a vocabulary of another file": _layer("StringLookup", {"vocabulary": "/etc/passwd"}),
    "a vocabulary of the network": _layer("StringLookup", {"vocabulary": "http://127.0.0.1:9/words.txt"}),
    "a vocabulary of a bucket": _layer("TextVectorization", {"vocabulary": "gs://bucket/words.txt"}),
    "a vocabulary that is a pipe": _layer("StringLookup", {"vocabulary": "words_pipe"}),
}

_CONFIGS: dict[str, Any] = {
    "a class of os as the model": {"module": "os", "class_name": "system", "config": {"command": "touch pwned"}},
    "a Lambda as the model": _layer("Lambda", {"function": _LAMBDA}),
    "code that it is compiled with": _config(_dense(), compile_config={"loss": _LAMBDA, "optimizer": "sgd"}),
    "a metric of os": _config(_dense(), compile_config={"metrics": [_function("system", "os")], "optimizer": "sgd"}),
    "code that it is built with": _config(_dense(), build_config={"input_shape": _LAMBDA}),
    "a list as the model": [1, 2],
    "text as the model": "Lambda",
    "a number as the model": 5,
    "nothing": {},
    "a million levels": b'{"class_name": ' * 1_000_000,
    "1,000 levels": b'{"config": ' * 1_000 + b"1" + b"}" * 1_000,
    "a number of many digits": b'{"class_name": "Functional", "config": ' + b"9" * 100_000 + b"}",
    "keys twice": b'{"class_name": "Functional", "class_name": "Lambda", "config": {}}',
    "bytes that are no text": b"\xff\xfe\x00",
    "a pickle": PICKLE,
    "a layer of a billion units": _config(_dense(units=10**9)),
    "a shape of a billion": _config({**_dense(), "build_config": {"input_shape": [10**9, 10**9]}}),
}


def _soft(target: str) -> bytes:
    return _weights(lambda file: file.__setitem__("layers/dense/vars/0", h5py.SoftLink(target)), kernel=0)


def _far(path: str) -> bytes:
    """Weights whose kernel lies in another file."""
    return _weights(lambda file: file.__setitem__("layers/dense/vars/0", h5py.ExternalLink(path, "/a")), kernel=0)


def _stored_elsewhere(path: str) -> bytes:
    """Weights whose kernel is the bytes of another file."""

    def make(file: h5py.File) -> None:
        file.create_dataset("layers/dense/vars/0", (4, 1), "float32", external=[(path, 0, 16)])

    return _weights(make, kernel=0)


def _virtual(path: str) -> bytes:
    """Weights whose kernel is a view of a data set in another file."""

    def make(file: h5py.File) -> None:
        layout = h5py.VirtualLayout((4, 1), "float32")
        layout[:] = h5py.VirtualSource(path, "a", (4, 1))
        file.create_virtual_dataset("layers/dense/vars/0", layout)

    return _weights(make, kernel=0)


def _circle(file: h5py.File) -> None:
    file["layers/again"] = file["layers"]
    file["layers/dense/again"] = file["/"]


def _promised(*shape: int) -> bytes:
    """Weights whose kernel says that it is huge, and takes no room."""

    def make(file: h5py.File) -> None:
        chunks = tuple(min(size, 1024) for size in shape)
        file.create_dataset("layers/dense/vars/0", shape, "float32", chunks=chunks, compression="gzip")

    return _weights(make, kernel=0)


def _deep(file: h5py.File) -> None:
    group = file
    for _ in range(2_000):
        group = group.create_group("d")


_WEIGHTS: dict[str, bytes] = {
    "a kernel in another file": _far("../outside/far.h5"),
    "a kernel in a file by an absolute path": _far("/etc/passwd"),
    "a kernel that is the bytes of another file": _stored_elsewhere("../outside/secret.env"),
    "a kernel that is the bytes of a device": _stored_elsewhere("/dev/zero"),
    "a kernel that is the bytes of a pipe": _stored_elsewhere("words_pipe"),
    "a kernel that is a view of another file": _virtual("../outside/far.h5"),
    "a link that leads nowhere": _soft("/nowhere"),
    "a link to itself": _soft("/layers/dense/vars/0"),
    "a circle of hard links": _weights(_circle),
    "groups 2,000 deep": _weights(_deep),
    "a kernel of a terabyte": _promised(2**19, 2**19),
    "objects by their pickles": _weights(lambda file: file.attrs.__setitem__("layer_names", np.void(PICKLE))),
    "half of a file": _weights()[:1500],
    "nothing": b"",
    "a pickle": PICKLE,
}

_ARCHIVES: dict[str, Callable[[Path], Any] | bytes] = {
    "a member in a folder above": contents.archive(_members(_config(_dense()), **{"../../pwned": b"x"})),
    "a member at an absolute path": contents.archive(_members(_config(_dense()), **{"/tmp/graphspec_pwned": b"x"})),
    "assets in a folder above": contents.archive(
        _members(_config(_dense()), **{"assets/../../../outside/pwned": b"x"})
    ),
    "a member by a path of Windows": contents.archive(_members(_config(_dense()), **{"..\\..\\pwned": b"x"})),
    "weights of two names": contents.archive(_members(_config(_dense()), **{"model.weights.npz": PICKLE})),
    "a configuration that is a link": contents.linked_zip("config.json", "/etc/passwd"),
    "weights that are zipped arrays of pickles": contents.archive(
        {key: value for key, value in _members(_config(_dense())).items() if "h5" not in key}
        | {"model.weights.npz": PICKLE}
    ),
    "no configuration": contents.archive({"metadata.json": b"{}"}),
    "a configuration of a gigabyte": contents.zip_bomb("config.json", 1024, b'"'),
    "weights of a gigabyte": contents.zip_bomb("model.weights.h5", 1024, b"", _members(_config(_dense()), b"x")),
    "a member that lies about its size": contents.lying_zip("config.json", 2**31),
    "20,000 members": lambda path: _many(path, 20_000),
    "a pickle": PICKLE,
    "text": b"precious\n",
    "nothing": b"",
    "HDF5": _weights(),
    "the end of a zip alone": b"PK\x05\x06" + b"\xff" * 18,
    "HDF5 of Keras 2": _weights(
        lambda file: file.attrs.__setitem__("model_config", json.dumps(_layer("Lambda", {"function": _marshalled()})))
    ),
}


def _many(path: Path, count: int) -> None:
    with zipfile.ZipFile(path, "w") as made:
        for number in range(count):
            made.writestr(zipfile.ZipInfo(f"{number}"), b"")


def _far_file(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["a"] = np.ones((4, 1), "float32")


_BESIDE = {"words_pipe": contents.pipe, "../outside/far.h5": _far_file}

MODELS = [
    Case("a sound model", APPLIED, {"m.keras": saved(_dense())}, refused=False),
    *(
        Case(f"a model with {what}", APPLIED, {"m.keras": saved(layer), **_BESIDE}, refused=None)
        for what, layer in _LAYERS.items()
    ),
    *(
        Case(
            f"a model with {what} in its configuration",
            APPLIED,
            {"m.keras": contents.archive(_members(config))},
            refused=None,
        )
        for what, config in _CONFIGS.items()
    ),
    *(
        Case(
            f"a model whose weights hold {what}",
            APPLIED,
            {"m.keras": contents.archive(_members(_config(_dense()), weights)), **_BESIDE},
            refused=None,
        )
        for what, weights in _WEIGHTS.items()
    ),
    *(
        Case(f"an archive with {what}", APPLIED, {"m.keras": content}, refused=None)
        for what, content in _ARCHIVES.items()
    ),
    Case("a model that is a link to a device", APPLIED, {"m.keras": link("/dev/zero")}),
    Case("a model that is a pipe", APPLIED, {"m.keras": contents.pipe}),
    Case(
        "a folder of a saved graph",
        layers("[m, {Dense: 1}]", models="{m: {file: graph}}"),
        {"graph/saved_model.pb": b"x"},
    ),
    Case(
        "a model of Keras 2", layers("[m, {Dense: 1}]", models="{m: {file: m.h5}}"), {"m.h5": _weights()}, refused=None
    ),
    Case(
        "a pickle as a model", layers("[m, {Dense: 1}]", models="{m: {file: m.pkl}}"), {"m.pkl": PICKLE}, refused=None
    ),
]
"""Models that no command may execute, each as `m.keras`."""

INITIAL = [
    *(
        Case(
            f"initial weights with {what}",
            training("initial_weights: w.weights.h5")
            .replace("y: {from", "d: {from")
            .replace("outputs: {y: y", "outputs: {d: y"),
            {"w.weights.h5": weights, **_BESIDE},
            refused=None,
            trains=True,
        )
        for what, weights in _WEIGHTS.items()
    ),
    Case(
        "initial weights of a gigabyte, zipped",
        training("initial_weights: w.keras"),
        {"w.keras": contents.zip_bomb("model.weights.h5", 1024, b"", _members(_config(_dense()), b"x"))},
        refused=None,
        trains=True,
    ),
    Case(
        "initial weights of a model with code",
        training("initial_weights: w.keras"),
        {"w.keras": saved(_LAYERS["a Lambda of marshalled code"])},
        refused=None,
        trains=True,
    ),
]

CASES = [*MODELS, *INITIAL]

"""Turn a file of tf_keras into one of layers of cuDNN, which need a GPU to be made; for `make_old_models.py`."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import h5py

NOT_OF_CUDNN = (
    *("activation", "recurrent_activation", "use_bias", "dropout", "recurrent_dropout", "implementation", "unroll"),
    *("time_major", "reset_after", "dtype"),
)
"""Arguments of recurrent layers that those of cuDNN do not have."""


def as_cudnn(path: Path) -> None:
    """Turn recurrent layers of a file into those of cuDNN, which need a GPU, by the converter of tf_keras."""
    convert = importlib.import_module("tf_keras.src.saving.legacy.hdf5_format")._convert_rnn_weights

    def group_of(file: Any, name: str) -> tuple[Any, list[str]]:
        group = file["model_weights"][name]
        return group, [each.decode() if isinstance(each, bytes) else each for each in group.attrs["weight_names"]]

    def rewrite(file: Any, layer: dict[str, Any], group: Any, names: list[str]) -> None:
        class_name, config = layer["class_name"], layer["config"]
        target = type(f"CuDNN{class_name}", (), {})()
        values = convert(target, [group[name][()] for name in names])
        for name, value in zip(names, values, strict=True):
            del group[name]
            group[name] = value
        layer |= {
            "class_name": f"CuDNN{class_name}",
            "config": {key: config[key] for key in config if key not in NOT_OF_CUDNN},
        }

    with h5py.File(path, "r+") as file:
        document = json.loads(file.attrs["model_config"])
        for layer in document["config"]["layers"][1:]:
            group, names = group_of(file, layer["config"]["name"])
            if layer["class_name"] == "Bidirectional":
                inner = layer["config"]["layer"]
                forward = json.loads(json.dumps(inner))
                rewrite(file, forward, group, names[:3])
                rewrite(file, inner, group, names[3:])
            else:
                rewrite(file, layer, group, names)
        file.attrs["model_config"] = json.dumps(document)

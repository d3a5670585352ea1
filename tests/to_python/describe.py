"""What a model is, as plain data, for comparing models that two processes have built.

Executed as a script, it builds the models of modules in a process that cannot import graphspec: its argument is a
JSON file with a list of jobs, and what it finds of each goes to standard output.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import sys
import traceback
from pathlib import Path
from typing import Any

import keras
import numpy as np

MAX_WEIGHTS = 3_000_000
MAX_NUMBERS = 500_000
"""Weights, and numbers in a batch, up to which outputs are computed."""


def describe(model: keras.Model, walk: Any, *, computes: bool = True) -> dict[str, Any]:
    """Layers, wiring, weights in their order, and outputs for weights that follow from their order alone."""
    described: dict[str, Any] = {
        "name": model.name,
        "inputs": [[name, list(each.shape), each.dtype] for name, each in model.input.items()],
        "outputs": [[name, list(each.shape), each.dtype] for name, each in model.output.items()],
        "wiring": [line.split(" object at ")[0] for line in walk.over(model).lines],
        "layers": list(_layers(model, "")),
        "weights": [[each.path, list(each.shape), each.dtype] for each in model.weights],
        "trainable": [each.path for each in model.trainable_weights],
    }
    if computes and model.count_params() <= MAX_WEIGHTS:
        described["results"] = _results(model)
    return described


def _layers(model: keras.Model, prefix: str) -> Any:
    for layer in model.layers:
        path = f"{prefix}{layer.name}"
        if isinstance(layer, keras.Model):
            yield [path, "Model", layer.trainable]
            yield from _layers(layer, f"{path}/")
        elif _generator(layer) is not None:
            yield ["random numbers"]  # Keras numbers them by the process
        else:
            yield [path, type(layer).__name__, json.dumps(_plain(layer.get_config()), sort_keys=True, default=str)]


def _generator(layer: Any) -> Any:
    return getattr(getattr(layer, "activation", None), "seed", None)


def _plain(config: Any) -> Any:
    """A configuration without the nested models in it, whose operations Keras numbers by the process."""
    if isinstance(config, dict):
        if config.get("class_name") == "Functional":
            return {"Functional": config["config"]["name"]}
        return {key: _plain(each) for key, each in config.items()}
    return [_plain(each) for each in config] if isinstance(config, list | tuple) else config


def fill(model: keras.Model) -> None:
    """Give every weight numbers that follow from its place in `model.weights`."""
    rng = np.random.default_rng(0)
    for layer in model._flatten_layers():
        if _generator(layer) is not None:
            _generator(layer).state.assign([1, 0])
    for weight in model.weights:
        values = rng.uniform(0.05, 0.2, weight.shape)
        if "int" not in weight.dtype and weight.dtype != "bool":
            weight.assign(values.astype("float32"))


def _results(model: keras.Model) -> Any:
    """A digest of each output for a batch, or why there is none."""
    rng = np.random.default_rng(1)
    batch: dict[str, Any] = {}
    for name, each in model.input.items():
        shape = (each.shape[0] or 2, *(160 if size is None else size for size in each.shape[1:]))
        if each.dtype == "string" or np.prod(shape) > MAX_NUMBERS:
            return f"{name} takes no numbers, or too many"
        numbers = rng.integers(0, 2, shape) if each.dtype[0] in "iub" else rng.standard_normal(shape)
        batch[name] = keras.ops.convert_to_tensor(numbers.astype("float32"), dtype=each.dtype)
    fill(model)
    try:
        outputs = model(batch, training=False)
    except Exception as error:  # both must fail alike
        return type(error).__name__
    found = {name: np.ascontiguousarray(np.asarray(each)) for name, each in outputs.items()}
    return {name: [str(each.dtype), hashlib.sha256(each.tobytes()).hexdigest()] for name, each in found.items()}


def compiled(model: keras.Model) -> str:
    """How a model is compiled, without weights of 1 and outputs without metrics."""
    config = dict(model.get_compile_config())
    for key in ("metrics", "weighted_metrics"):
        config[key] = {name: each for name, each in (config.get(key) or {}).items() if each}
    config["loss_weights"] = {key: each for key, each in (config.get("loss_weights") or {}).items() if each != 1.0}
    config.pop("steps_per_execution", None)
    return json.dumps(config, sort_keys=True, default=str)


class _NoGraphspec:
    """Refuses the import of graphspec, as where it is not installed."""

    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> None:
        if name.partition(".")[0] == "graphspec":
            raise ModuleNotFoundError(f"No module named {name!r}")


def _imported(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(f"made_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _done(job: dict[str, Any], walk: Any) -> dict[str, Any]:
    path = Path(job["module"])
    sys.path.insert(0, str(path.parent))
    keras.utils.clear_session()
    keras.config.set_dtype_policy("float32")
    try:
        module = _imported(path)
        if job.get("run"):
            return {"value": getattr(module, job["run"])()}
        if job["weightless"]:
            with keras.StatelessScope(initialize_variables=False):
                return describe(module.build_model(), walk, computes=False)
        model = module.build_model()
        found = describe(model, walk)
        if hasattr(module, "compile_model"):
            module.compile_model(model)
            found["compiled"] = compiled(model)
        return found
    except Exception:
        return {"error": traceback.format_exc()}
    finally:
        sys.path.remove(str(path.parent))
        for name in [each for each in sys.modules if each.startswith("my_")]:
            del sys.modules[name]
        for name in [each for each in keras.saving.get_custom_objects() if not each.startswith("graphspec>")]:
            del keras.saving.get_custom_objects()[name]


def main() -> None:
    """Build the models of all jobs."""
    sys.meta_path.insert(0, _NoGraphspec)
    walk = _imported(Path(__file__).parents[1] / "structure.py").Walk if len(sys.argv) > 1 else None
    jobs = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    import time

    found = []
    for job in jobs:
        t = time.time()
        found.append(_done(job, walk))
        print(f"{time.time() - t:.2f}", job["module"], file=sys.stderr)
    assert "graphspec" not in sys.modules
    print("FOUND" + json.dumps(found))


if __name__ == "__main__":
    main()

"""The keys of the language as JSON Schema, from the pydantic models of `language.schema`.

pydantic gives the keys of a mapping, the required ones, and their types. `OPEN` gives the schema of values that the
models declare as `Any` and `lower` reads. Short forms, `each`, `when` and `${...}` are added, since they are
resolved before the models see a spec.
"""

from __future__ import annotations

from typing import Any

from graphspec import catalog
from graphspec.editor.json_schema.texts import TEXTS
from graphspec.editor.json_schema.values import EXPRESSION, NAME, Schema, dtype, ref
from graphspec.language.expand import DECLARATION_KEYS
from graphspec.language.schema.model import BALANCED, LANGUAGE_VERSION, PRESET_PARTS, SpecModel
from graphspec.language.schema.training import AUTO

_STEPS = {
    "anyOf": [
        ref("step"),
        {"type": "array", "items": ref("step")},
        {"type": "null", "description": "No step."},
    ]
}
_EACH: Schema = {
    "type": "object",
    "minProperties": 1,
    "patternProperties": {r"^[A-Za-z_][A-Za-z0-9_]*$": {"anyOf": [{"type": "array", "minItems": 1}, EXPRESSION]}},
    "additionalProperties": False,
}
_METRICS = {"anyOf": [ref("metrics"), {"type": "array", "items": ref("metrics")}, {"type": "null"}]}
_NODES = {"type": "object", "patternProperties": {f"^{NAME}$": ref("NodeModel")}, "additionalProperties": False}
_WEIGHTS = {
    "anyOf": [
        {"type": "string", "minLength": 1},
        {
            "type": "object",
            "properties": {"file": ref("path"), "partial": {"anyOf": [{"type": ["boolean", "null"]}, EXPRESSION]}},
            "required": ["file"],
            "additionalProperties": False,
        },
        {"type": "null"},
    ]
}
_TAPS = {
    "anyOf": [
        {"type": "array", "items": {"type": "string", "pattern": rf"^{NAME}$|\$\{{"}, "uniqueItems": True},
        {"type": "string", "pattern": rf"^{NAME}$|\$\{{"},
        {"type": "null"},
    ]
}
_OPTUNA = {
    "anyOf": [
        {"type": "string", "minLength": 1},
        {"type": "object", "minProperties": 1, "maxProperties": 1},
        {"type": "null"},
    ]
}

OPEN: dict[tuple[str, str], Schema] = {
    ("SpecModel", "graphspec"): {"enum": [LANGUAGE_VERSION]},
    ("SpecModel", "include"): {"anyOf": [ref("path"), {"type": "array", "items": ref("path")}, {"type": "null"}]},
    ("InputModel", "dtype"): dtype(),
    ("NodeModel", "constant"): {
        "anyOf": [
            {"type": ["boolean", "number"]},
            {"type": "array", "minItems": 1},
            {
                "type": "object",
                "properties": {"file": ref("path"), "key": {"type": "string"}},
                "required": ["file"],
                "additionalProperties": False,
            },
            EXPRESSION,
        ]
    },
    ("NodeModel", "dtype"): dtype(),
    ("WeightModel", "dtype"): dtype(),
    ("WeightModel", "initializer"): {"anyOf": [ref("initializers"), {"type": "null"}]},
    ("WeightModel", "regularizer"): {"anyOf": [ref("regularizers"), {"type": "null"}]},
    ("WeightModel", "constraint"): {"anyOf": [ref("constraints"), {"type": "null"}]},
    ("NodeModel", "from"): ref("references"),
    ("NodeModel", "merge"): {"anyOf": [ref("merge"), {"type": "null"}]},
    ("NodeModel", "apply"): _STEPS,
    ("OutputModel", "loss"): {"anyOf": [ref("losses"), {"type": "null"}]},
    ("OutputModel", "metrics"): _METRICS,
    ("OutputModel", "weighted_metrics"): _METRICS,
    ("OutputModel", "class_weight"): {
        "anyOf": [
            {
                "type": "object",
                "patternProperties": {r"^[0-9]+$": {"anyOf": [{"type": "number", "minimum": 0}, EXPRESSION]}},
                "additionalProperties": False,
            },
            {"const": BALANCED},
            {"type": "null"},
        ]
    },
    ("NestedModelSpec", "weights"): _WEIGHTS,
    ("SpecModel", "weights"): _WEIGHTS,
    ("BlockModel", "inputs"): {
        "anyOf": [
            {"type": "string", "pattern": f"^{NAME}$"},
            {"type": "array", "items": {"type": "string", "pattern": f"^{NAME}$"}},
        ]
    },
    ("BlockModel", "layers"): {
        "anyOf": [
            {"type": "object", "patternProperties": {f"^{NAME}$": ref("layer")}, "additionalProperties": False},
            {"type": "null"},
        ]
    },
    ("BlockModel", "graph"): {"anyOf": [_NODES, {"type": "null"}]},
    ("BlockModel", "output"): {"anyOf": [ref("NodeModel"), {"type": "null"}]},
    ("BlockModel", "outputs"): {"anyOf": [_NODES, {"type": "null"}]},
    ("TrainingModel", "optimizer"): ref("optimizers"),
    ("TrainingModel", "batch_size"): {"anyOf": [{"type": "integer", "minimum": 1}, {"enum": [AUTO]}, EXPRESSION]},
    ("TrainingModel", "callbacks"): {"anyOf": [{"type": "array", "items": ref("callbacks")}, EXPRESSION]},
    ("TrainingModel", "initial_weights"): _WEIGHTS,
    ("TrainingModel", "learning_rate_multipliers"): {
        "type": "object",
        "additionalProperties": {"anyOf": [{"type": "number", "exclusiveMinimum": 0}, EXPRESSION]},
    },
    ("StageModel", "learning_rate"): {"anyOf": [{"type": "number"}, ref("schedules"), EXPRESSION, {"type": "null"}]},
    ("CheckpointModel", "every"): {
        "anyOf": [{"enum": ["epoch"]}, {"type": "string", "pattern": r"^[1-9][0-9]{0,8} steps?$|\$\{"}]
    },
    ("SearchModel", "parameters"): {
        "type": "object",
        "minProperties": 1,
        "additionalProperties": {"anyOf": [ref("RangeModel"), {"type": "array", "minItems": 1}, EXPRESSION]},
    },
    ("SearchModel", "sampler"): _OPTUNA,
    ("SearchModel", "pruner"): _OPTUNA,
    ("SourceModel", "cast"): dtype(),
    ("SourceModel", "vocabulary"): {
        "anyOf": [
            {"enum": ["auto"]},
            {"type": "array", "items": {"type": ["string", "integer"]}, "minItems": 1, "uniqueItems": True},
            {"type": "null"},
            EXPRESSION,
        ]
    },
}
"""The schemas of values that a model declares as `Any`, or knows more about than their type."""

_NAMED = {"layers": ref("layer"), "vars": {}, "params": {}}
"""The schema of each value in the mapping of names under these keys."""
_SHORT: dict[str, list[Schema]] = {
    "InputModel": [{"type": "array", "items": {"anyOf": [{"type": ["integer", "null"]}, EXPRESSION]}}, EXPRESSION],
    "NodeModel": [ref("references")],
    "OutputModel": [ref("references")],
    "LossModel": [ref("references")],
    "SourceModel": [ref("path")],
    "PluginModel": [ref("path")],
}
"""The short forms of a mapping."""


def definitions() -> dict[str, Schema]:
    """Return the definitions of all classes of `language.schema` by name; `SpecModel` is a whole spec."""
    found = SpecModel.model_json_schema(by_alias=True)
    models = found.pop("$defs") | {"SpecModel": found}
    made = {name: _part(name, model) for name, model in models.items()}
    made["AnyModel"] = {"anyOf": [ref("NestedModelSpec"), *_external_models()]}
    made["when"] = {"anyOf": [{"type": "boolean"}, EXPRESSION]}
    return made


def _part(name: str, model: Schema) -> Schema:
    properties = {key: _key(name, key, found) for key, found in model["properties"].items()}
    made: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
    if name in ("NodeModel", "OutputModel", "LossModel"):
        begins = ["from", "when"]
        if name != "LossModel":
            properties["each"] = _EACH | {"description": TEXTS[name]["each"]}
            begins[1:1] = ["constant", "weight", "apply"]
        properties["when"] = ref("when", description=TEXTS[name]["when"])
        properties["otherwise"] = ref(name, description=TEXTS[name]["otherwise"])
        made["anyOf"] = [{"required": [key]} for key in begins]
    elif name == "SpecModel":
        made |= {"required": ["graphspec"], **_describes_or_declares()}
    elif "required" in model:
        made["required"] = model["required"]
    if name in _SHORT:
        return {"anyOf": [made, *_SHORT[name]]}
    return made


def _describes_or_declares() -> Schema:
    """Return the rule that a spec has inputs and outputs, unless it only declares parts."""
    describing = [{"required": [key]} for key in ("inputs", "graph", "outputs", "training", "data")]
    declares = {"anyOf": [{"required": [key]} for key in DECLARATION_KEYS]}
    return {"if": {"anyOf": [*describing, {"not": declares}]}, "then": {"required": ["inputs", "outputs"]}}


def _key(part: str, key: str, found: Schema) -> Schema:
    """Return the schema of the value of `key`, with its description and default."""
    text = {"description": TEXTS[part][key]}
    default = {"default": found["default"]} if found.get("default") not in (None, [], {}) else {}
    own = "NodeModel" if part in ("OutputModel", "LossModel") and (part, key) not in OPEN else part
    if (own, key) in OPEN:
        return text | default | OPEN[own, key]
    found = {name: value for name, value in found.items() if name not in ("title", "default")}
    assert found, f"{part}.{key} is open, and OPEN has no schema for it"
    return text | default | _relaxed(found, key)


def _relaxed(found: Schema, key: str = "") -> Schema:
    """Return the schema of pydantic for a value, or an expression in its place."""
    if "$ref" in found:
        name = found["$ref"].rpartition("/")[2]
        return ref("AnyModel" if name == "NestedModelSpec" else name)
    if "anyOf" in found:
        return {"anyOf": [*(_bare(each) for each in found["anyOf"]), EXPRESSION]}
    if found.get("type") == "object":
        return _names(found, key)
    if found.get("type") == "string" and "enum" not in found and "pattern" not in found:
        return found
    return {"anyOf": [_bare(found), EXPRESSION]}


def _bare(found: Schema) -> Schema:
    if "$ref" in found or found.get("type") == "object":
        return _relaxed(found)
    if found.get("type") == "array":
        return found | {"items": _relaxed(found["items"])}
    return found


def _names(found: Schema, key: str) -> Schema:
    """Return the schema of a mapping whose names the spec chooses."""
    values = next(iter(found["patternProperties"].values()))
    made: Schema = {
        "type": "object",
        "patternProperties": {f"^{NAME}$": _NAMED[key] if key in _NAMED else _relaxed(values)},
        "additionalProperties": False,
    }
    if "minLength" in found:
        made["minProperties"] = found["minLength"]
    return made


def _external_models() -> list[Schema]:
    """Return the schemas of models from elsewhere, and of the layers of a preset that prepare their inputs."""
    texts = TEXTS["ExternalModelSpec"]
    trainable = {"anyOf": [{"type": ["boolean", "null"]}, EXPRESSION], "description": texts["trainable"]}
    taps = {"taps": _TAPS | {"description": texts["taps"]}}
    settings = {"weights": _WEIGHTS | {"description": texts["weights"]}, "trainable": trainable}
    arguments: dict[str, Any] = {}
    for name in catalog.applications():
        arguments |= {argument: {} for argument in catalog.application_arguments(name)}
    del arguments["input_tensor"]
    application = {"anyOf": [{"enum": catalog.applications()}, EXPRESSION], "description": texts["application"]}
    forms = [
        ("file", {"file": ref("path", description=texts["file"])} | taps),
        ("spec", {"spec": ref("path", description=texts["spec"])}),
        ("preset", {"preset": ref("path", description=texts["preset"])} | taps),
        ("application", {"application": application} | taps | arguments),
    ]
    models = [
        {"type": "object", "properties": own | settings, "required": [key], "additionalProperties": False}
        for key, own in forms
    ]
    about = "The tokens of each sequence: longer ones are cut, shorter ones padded."
    length = {"sequence_length": {"anyOf": [{"type": "integer", "minimum": 1}, EXPRESSION], "description": about}}
    parts = [
        {
            "type": "object",
            "properties": {key: ref("path", description=texts[key])} | ({} if key == "image_converter" else length),
            "required": [key],
        }
        for key in PRESET_PARTS
    ]
    return [*models, *parts]

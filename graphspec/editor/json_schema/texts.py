"""Descriptions of every key of the language for editors, by the class of `language.schema.model` that holds it."""

from __future__ import annotations

_NODE = {
    "from": "The tensors that come in: `x`, a list `[a, b]`, or by keyword `{query: q, value: v}`. "
    "A tensor is `name`, `name[1]` of a layer that returns several, or `name.output` of a model.",
    "merge": "How a list of tensors becomes one: sum, sub, mul, ave, max, min, concat, dot or cos.",
    "apply": "One step or a list of steps, each called on the result of the one before: a layer, an operation, "
    "or a declared layer, model or block.",
    "when": "Where this is false the node is absent, or is its `otherwise`.",
    "otherwise": "The node that stands here where `when` is false.",
}
_BODY = {
    "inputs": "The model's inputs: name → `{shape, dtype, ...}`, or the shape of one sample alone.",
    "layers": "Layers that are shared wherever they are applied: name → layer.",
    "models": "Models that are applied like layers, their weights shared: name → model.",
    "blocks": "Templates: name → `{params, inputs, graph, output}`. Every use has weights of its own.",
    "graph": "The nodes: name → `{from, merge, apply}`. Each names a tensor.",
    "outputs": "The model's outputs: name → a node, with the loss and metrics that train it.",
}
_SPLIT = {
    "file": "The file that sources of this split default to.",
    "inputs": "The source of every input, by its name.",
    "outputs": "The source of every output's targets, by its name.",
    "sample_weights": "The source of an output's sample weights, by the output's name.",
}

TEXTS: dict[str, dict[str, str]] = {
    "SpecModel": {
        "graphspec": "The version of the language: 1.",
        "name": "The model's name; the file's stem unless stated.",
        "description": "What the model does, for people.",
        "include": "Other spec files whose vars, layers, models and blocks become visible here.",
        "plugins": "Python modules that register custom objects; imported by what builds, never by validation.",
        "vars": "Values for `${...}`: numbers, text, true, false, null, or lists of those.",
        **_BODY,
        "training": "How the model is trained.",
        "search": "Which values `graphspec tune` tries, and by what it judges them.",
        "data": "Where the data lies; paths are relative to this file.",
    },
    "NestedModel": {
        **_BODY,
        "weights": "A file of weights for this model: `.weights.h5` or `.keras`.",
        "trainable": "Whether training changes the model's weights.",
    },
    "Elsewhere": {
        "file": "A trained model, saved by Keras as a `.keras` file.",
        "spec": "Another spec file, whose model this is.",
        "application": "A model of keras.applications, with its arguments beside.",
        "weights": "A file of weights for this model, or for an application `imagenet`.",
        "trainable": "Whether training changes the model's weights.",
    },
    "BlockModel": {
        "params": "The block's parameters with their defaults; an empty value is required.",
        "inputs": "The name of the tensor that comes in, or a list of names.",
        "graph": "The block's nodes; their names are its own.",
        "output": "The node that the block gives.",
        "outputs": "The nodes that the block gives, by name, picked as `node.name`.",
    },
    "PluginModel": {
        "module": "The name of the Python module.",
        "folder": "The folder that it lies in; that of the spec unless stated.",
    },
    "InputModel": {
        "shape": "The shape of one sample, without the batch; null is any length.",
        "dtype": "The dtype, float32 unless stated.",
        "sparse": "Whether the input is a sparse tensor.",
        "batch_size": "A fixed number of samples in a batch.",
        "optional": "Whether the input may be left out.",
    },
    "NodeModel": _NODE,
    "OutputModel": {
        **_NODE,
        "loss": "What training makes small; `null` says that the output is not trained.",
        "loss_weight": "The share of this output's loss in the whole; 1.0 unless stated.",
        "metrics": "What is measured of this output.",
        "weighted_metrics": "What is measured with sample weights and class weights.",
        "class_weight": "Class index → weight in training.",
    },
    "TrainingModel": {
        "optimizer": "The optimizer: `adam`, or `{Adam: {learning_rate: 0.001}}`.",
        "epochs": "How many times all samples are seen.",
        "batch_size": "How many samples a step sees.",
        "seed": "Decides initial weights, dropout, the order of samples and what is held out.",
        "callbacks": "What watches the training: `EarlyStopping`, `ModelCheckpoint`, ...",
        "steps_per_epoch": "How many steps an epoch has; all samples unless stated.",
        "validation_freq": "After how many epochs the model is validated.",
        "precision": "The precision of the computation; outputs stay float32.",
        "jit_compile": "Whether XLA compiles the model; `auto` leaves it to Keras.",
        "steps_per_execution": "How many steps run at once; `auto` is the most that divides an epoch, up to 32.",
        "deterministic": "Whether the same spec gives the same numbers on the same machine, at some cost.",
        "freeze": "Layers that training leaves alone: names, paths `model/layer`, or globs.",
        "initial_weights": "A file of weights that training starts from, or `{file: ..., partial: true}`.",
        "log": "Where metrics are logged as well: files of the run, or a run of MLflow.",
        "checkpoint": "When checkpoints are written, and how many are kept.",
    },
    "CheckpointModel": {
        "every": "`epoch`, or a number of steps such as `500 steps`.",
        "keep": "How many of the newest checkpoints stay.",
        "monitor": "The metric by which the best is kept as well.",
    },
    "SearchModel": {
        "parameters": "Path of a value, as `--set` takes it → a list of choices, or a range.",
        "monitor": "By which the best trial is found; `val_loss` unless stated, `loss` without validation.",
        "trials": "How many trials the study has in all; 20 unless this or `timeout` is stated.",
        "timeout": "After how many seconds of training no further trial is begun.",
        "sampler": "A sampler of optuna, which chooses values: `TPESampler` unless stated.",
        "pruner": "A pruner of optuna, which ends bad trials: `MedianPruner` unless stated; `null` for none.",
    },
    "RangeModel": {
        "float": "Numbers from `low` to `high`.",
        "int": "Whole numbers from `low` to `high`.",
    },
    "FloatRange": {
        "low": "The least value.",
        "high": "The greatest value.",
        "log": "Whether values are spread evenly by their order of magnitude.",
        "step": "How far apart neighbouring values are; without it, every number between is tried.",
    },
    "IntRange": {
        "low": "The least value.",
        "high": "The greatest value.",
        "log": "Whether values are spread evenly by their order of magnitude.",
        "step": "How far apart neighbouring values are.",
    },
    "DataModel": {
        "train": "What the model is trained on.",
        "validation": "What it is validated on after every epoch: a share `{split: 0.1}`, or sources.",
        "test": "What it is measured on in the end.",
    },
    "SplitModel": _SPLIT,
    "ValidationModel": {"split": "The share of the training samples that is held out, between 0 and 1.", **_SPLIT},
    "SourceModel": {
        "file": "The file of the data, relative to the spec; a glob stands for shards, read in sorted order as one.",
        "files": "The images that a glob matches, with `decode: image`.",
        "key": "Which array of an .npz archive.",
        "column": "Which column of a table: one value a sample.",
        "columns": "Which columns of a table, stacked on a last axis.",
        "feature": "Which feature of a TFRecord.",
        "decode": "`image`: the file lists paths of images, or `files` matches them.",
        "size": "Height and width that images are brought to.",
        "channels": "1 for grey, 3 for colours, 4 with transparency.",
        "interpolation": "How images are resized: `nearest`, as targets are, or `bilinear`, as inputs are.",
        "on_error": "What an image that cannot be read does: `fail`, or `skip` its sample.",
        "vocabulary": "Words in the order of their indices, or `auto` for those of the training split.",
        "pad": "The length that lists are brought to, with zeros at the end, or cut.",
        "scale": "What every value is multiplied by.",
        "cast": "The dtype that values are brought to.",
        "one_hot": "How many numbers an index becomes, all 0 but one.",
        "window": "Makes samples of a series: so many steps in a row, and the step to predict.",
    },
    "WindowModel": {
        "size": "How many steps one sample has.",
        "stride": "How many steps lie between the starts of two samples.",
        "horizon": "How many steps after the last one of a sample its target comes.",
    },
}

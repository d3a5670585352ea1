"""Descriptions of every key of the language for editors, by the class of `language.schema` that holds it."""

from __future__ import annotations

_NODE = {
    "from": "The input tensors: `x`, a list `[a, b]`, or by keyword `{query: q, value: v}`. "
    "A tensor is `name`, `name[1]` of a layer that returns several, or `name.output` of a model.",
    "merge": "The operation that combines a list of tensors: sum, sub, mul, ave, max, min, concat, dot or cos.",
    "apply": "One step or a list of steps, each called on the result of the one before: a layer, an operation, "
    "or a declared layer, model or block.",
    "each": "Makes one node for each of several values: name → list; lists of one length go in step. "
    "The node's name is the list of all of them, `name[1]` is one.",
    "when": "If this is false, the node is absent, or replaced by its `otherwise`.",
    "otherwise": "The node that is used if `when` is false.",
}
_BODY = {
    "inputs": "The model's inputs: name → `{shape, dtype, ...}`, or only the shape of one sample.",
    "layers": "Layers that share their weights wherever they are applied: name → layer.",
    "models": "Models that are applied like layers and share their weights: name → model.",
    "blocks": "Templates: name → `{params, inputs, graph, output}`. Every use has separate weights.",
    "graph": "The nodes: name → `{from, merge, apply}`. Each names a tensor.",
    "outputs": "The model's outputs: name → a node, with the loss and metrics that train it.",
}
_SPLIT = {
    "file": "The default file of the sources of this split.",
    "inputs": "The source of each input by name.",
    "outputs": "The source of the targets of each output by name.",
    "sample_weights": "The source of the sample weights of an output by name.",
}

TEXTS: dict[str, dict[str, str]] = {
    "SpecModel": {
        "graphspec": "The version of the language: 1.",
        "name": "The name of the model. Default: the file name without its suffix.",
        "description": "A description for people.",
        "include": "Other spec files whose vars, layers, models and blocks can be used here.",
        "plugins": "Python modules that register custom objects; imported when a model is built, never by validation.",
        "vars": "Values for `${...}`: numbers, text, true, false, null, or lists of these.",
        **_BODY,
        "weights": "A weights file for the whole model: `.weights.h5` or `.keras`.",
        "training": "How the model is trained.",
        "search": "The hyperparameters that `graphspec tune` searches.",
        "data": "The data files; paths are relative to this file.",
    },
    "NestedModelSpec": {
        **_BODY,
        "weights": "A weights file for this model: `.weights.h5` or `.keras`.",
        "trainable": "Whether training changes the model's weights.",
    },
    "ExternalModelSpec": {
        "file": "A trained model, saved by Keras as a `.keras` file.",
        "spec": "Another spec file with the model.",
        "application": "A model of keras.applications, with its arguments beside it.",
        "weights": "A weights file for this model, or `imagenet` for an application.",
        "trainable": "Whether training changes the model's weights.",
    },
    "BlockModel": {
        "params": "The parameters with their defaults; one without a default is required.",
        "inputs": "The name of the input tensor, or a list of names.",
        "graph": "The nodes of the block; their names are local.",
        "output": "The node that the block returns.",
        "outputs": "The nodes that the block returns by name, referred to as `node.name`.",
    },
    "PluginModel": {
        "module": "The name of the Python module.",
        "folder": "The folder of the module. Default: the folder of the spec.",
    },
    "InputModel": {
        "shape": "The shape of one sample, without the batch; null is any length.",
        "dtype": "The dtype. Default: float32.",
        "sparse": "Whether the input is a sparse tensor.",
        "batch_size": "A fixed batch size.",
        "optional": "Whether the input may be left out.",
    },
    "NodeModel": _NODE,
    "OutputModel": {
        **_NODE,
        "loss": "The loss to minimize; `null` if the output is not trained.",
        "loss_weight": "The weight of this loss in the total loss. Default: 1.0.",
        "metrics": "The metrics of this output.",
        "weighted_metrics": "The metrics with sample weights and class weights.",
        "class_weight": "Class index → weight in training; `balanced` gives each class the same share of the loss.",
    },
    "TrainingModel": {
        "optimizer": "The optimizer: `adam`, or `{Adam: {learning_rate: 0.001}}`.",
        "epochs": "The number of epochs.",
        "batch_size": "The number of samples per step.",
        "drop_remainder": "Whether training leaves out the last batch of a pass where it is smaller.",
        "seed": "The seed of initial weights, dropout, the order of samples and the validation split.",
        "callbacks": "The callbacks: `EarlyStopping`, `ModelCheckpoint`, ...",
        "steps_per_epoch": "The number of steps per epoch. Default: all samples.",
        "validation_freq": "The number of epochs between validations.",
        "precision": "The precision of the computation; outputs stay float32.",
        "jit_compile": "Whether XLA compiles the model; `auto` leaves it to Keras.",
        "steps_per_execution": "The number of steps per call; `auto` is the largest divisor of an epoch up to 32.",
        "deterministic": "Whether the same spec gives the same numbers on the same machine, at a cost in speed.",
        "distribute": "How steps are divided: `mirrored` among the GPUs of one machine, `multi_worker` among machines.",
        "freeze": "Layers that training does not change: names, paths `model/layer`, or globs.",
        "initial_weights": "A weights file that training starts from, or `{file: ..., partial: true}`.",
        "log": "Additional logs of the metrics: files of the run, or a run of MLflow.",
        "checkpoint": "How often checkpoints are written, and how many are kept.",
    },
    "CheckpointModel": {
        "every": "`epoch`, or a number of steps such as `500 steps`.",
        "keep": "The number of newest checkpoints to keep.",
        "monitor": "The metric by which the best model is kept too.",
    },
    "SearchModel": {
        "parameters": "Path of a value, as for `--set` → a list of choices, or a range.",
        "monitor": "The metric of the best trial. Default: `val_loss`, or `loss` without validation.",
        "trials": "The total number of trials. Default: 20, unless there is a `timeout`.",
        "timeout": "The seconds of training after which no further trial is started.",
        "sampler": "A sampler of optuna, which chooses values. Default: `TPESampler`.",
        "pruner": "A pruner of optuna, which ends poor trials; `null` for none. Default: `MedianPruner`.",
    },
    "RangeModel": {
        "float": "Numbers from `low` to `high`.",
        "int": "Whole numbers from `low` to `high`.",
    },
    "FloatRange": {
        "low": "The lowest value.",
        "high": "The highest value.",
        "log": "Whether values are spread evenly by their order of magnitude.",
        "step": "The step between values; without it, any number in the range can be tried.",
    },
    "IntRange": {
        "low": "The lowest value.",
        "high": "The highest value.",
        "log": "Whether values are spread evenly by their order of magnitude.",
        "step": "The step between values.",
    },
    "DataModel": {
        "train": "The training data.",
        "validation": "The validation data: a share `{split: 0.1}`, or sources.",
        "test": "The test data.",
    },
    "SplitModel": _SPLIT,
    "ValidationModel": {"split": "The share of the training samples that is held out, between 0 and 1.", **_SPLIT},
    "SourceModel": {
        "file": "The file of the data, relative to the spec; a glob names shards, which are read in sorted order.",
        "files": "The images that a glob matches, with `decode: image`.",
        "key": "The array of an .npz archive.",
        "column": "The column of a table: one value per sample.",
        "columns": "The columns of a table, stacked on a last axis.",
        "feature": "The feature of a TFRecord.",
        "decode": "`image`: the file lists paths of images, or `files` matches them.",
        "size": "The height and width to which images are resized.",
        "channels": "1 for grey, 3 for RGB, 4 with transparency.",
        "interpolation": "How images are resized: `nearest` (default for targets) or `bilinear` (default for inputs).",
        "on_error": "For an image that cannot be read: `fail`, or `skip` its sample.",
        "vocabulary": "The words in the order of their indices, or `auto` for those of the training split.",
        "pad": "The length to which lists are padded with zeros, or cut.",
        "scale": "The factor by which every value is multiplied.",
        "cast": "The dtype to which values are cast.",
        "one_hot": "The number of classes of one-hot vectors for indices.",
        "window": "Samples from windows of a series: a number of steps, and the step to predict.",
    },
    "WindowModel": {
        "size": "The number of steps per sample.",
        "stride": "The number of steps between the starts of two samples.",
        "horizon": "The number of steps from the last one of a sample to its target.",
    },
}

"""The names of Keras that a spec cannot use or Keras no longer has, each with what to write instead.

The catalogue holds what Keras has; this table says why a spec cannot use some of it. It is the only list of names
kept by hand, and a test compares it with the installed Keras.
"""

from __future__ import annotations

# Layers and callbacks that carry Python code or a foreign graph: a spec is data, and loading it runs none.
CODE_CARRYING: dict[str, str] = {
    "Lambda": "use operations, such as `ops.square` or `ops.transpose: {axes: [0, 2, 1]}`, or a `merge`",
    "TFSMLayer": "a saved graph carries code; name a trained model under `models` instead",
    "JaxLayer": "it carries a Python function; use the Keras layer that does the same",
    "FlaxLayer": "it carries a Flax module; use the Keras layer that does the same",
    "TorchModuleWrapper": "it carries a PyTorch module; use the Keras layer that does the same",
    "LambdaCallback": "it carries Python functions; use a callback that says what it does",
    "LearningRateScheduler": "it carries a Python function; give the optimizer a schedule: "
    "`learning_rate: {ExponentialDecay: {...}}`",
}

# Functions of `keras.ops` that take Python functions.
CODE_CARRYING_OPS: dict[str, str] = {
    "ops.associative_scan": "it takes a Python function; use `ops.cumsum`, `ops.cumprod` or a recurrent layer",
    "ops.cond": "it takes Python functions; compute both tensors and choose with `ops.where`",
    "ops.custom_gradient": "it takes a Python function; `ops.stop_gradient` holds a gradient back",
    "ops.fori_loop": "it takes a Python function; `repeat: n` applies a step several times",
    "ops.jvp": "it takes a Python function, and a graph computes no gradients",
    "ops.map": "it takes a Python function; `TimeDistributed` applies a layer or a model to each",
    "ops.scan": "it takes a Python function; use a recurrent layer",
    "ops.switch": "it takes Python functions; compute the tensors and choose with `ops.select`",
    "ops.vectorize": "it takes a Python function; operations work on whole tensors",
    "ops.vectorized_map": "it takes a Python function; `TimeDistributed` applies a layer or a model to each",
    "ops.while_loop": "it takes Python functions; `repeat: n` applies a step several times",
}

# Operations that fail in graphs or in reloaded ones, by faults of Keras itself on TensorFlow. A test tells when they
# are mended.
FAILING_OPS: dict[str, str] = {
    "ops.adaptive_average_pool": "a saved model with it cannot be loaded; use the layer `AdaptiveAveragePooling2D`",
    "ops.adaptive_max_pool": "a saved model with it cannot be loaded; use the layer `AdaptiveMaxPooling2D`",
    "ops.conv_transpose": "Keras mixes up its padding arguments in a graph; use the layer `Conv2DTranspose`",
    "ops.histogram": "Keras looks for it where it is not; use the layer `Discretization`",
    "ops.view_as_complex": "Keras multiplies numbers of two dtypes; work on the two parts, as `ops.fft` does",
}

# Exported classes that are bases for others, or that graphspec itself puts in place.
NOT_APPLIED: dict[str, str] = {
    "Layer": "it is the base of all layers; name the layer that does the work",
    "Wrapper": "it is the base of wrappers; use `TimeDistributed` or `Bidirectional`",
    "InputLayer": "declare inputs under `inputs`",
    "Initializer": "it is the base of all initializers",
    "Regularizer": "it is the base of all regularizers",
    "Constraint": "it is the base of all constraints",
    "Loss": "it is the base of all losses",
    "Metric": "it is the base of all metrics",
    "MeanMetricWrapper": "it carries a Python function; name the metric",
    "Optimizer": "it is the base of all optimizers",
    "MultiOptimizer": "it takes a Python object that maps variables to optimizers; name one optimizer",
    "LearningRateSchedule": "it is the base of all schedules",
    "BackupAndRestore": "every run can be gone on with, by `graphspec train --resume`",
    "Callback": "it is the base of all callbacks",
    "CallbackList": "list the callbacks under `training: callbacks:`",
    "History": "every run records its history already",
    "ProgbarLogger": "every run shows its progress already",
    "RemoteMonitor": "the run holds the same numbers in `metrics.jsonl`; read them from there",
}

# Those of them that open a network connection.
CONNECTING = ("RemoteMonitor",)

# Names of Keras 1 and 2 that are gone.
RETIRED_NAMES: dict[str, str] = {
    "Merge": "write `merge: concat` (or sum, mul, ave, dot, ...) in the node",
    "merge": "write `merge: concat` (or sum, mul, ave, dot, ...) in the node",
    "CuDNNLSTM": "write `LSTM`; it uses cuDNN by itself",
    "CuDNNGRU": "write `GRU`; it uses cuDNN by itself",
    "MaxoutDense": "write a `Dense` and a `Maximum` over its parts",
    "Highway": "write its gate with `Dense`, `Multiply` and `Add`",
    "AtrousConvolution2D": "write `Conv2D` with `dilation_rate`",
    "Deconvolution2D": "write `Conv2DTranspose`",
    "TimeDistributedDense": "write `TimeDistributed: {layer: {Dense: n}}`, or `Dense`, which works on the last axis",
    "LocallyConnected1D": "Keras 3 has no locally connected layers",
    "LocallyConnected2D": "Keras 3 has no locally connected layers",
    "ThresholdedReLU": "write `ReLU: {threshold: t}`",
    "Input": "declare inputs under `inputs`",
    "Sequential": "list the steps under `apply`",
    "Model": "declare a model under `models`",
}

# Arguments that Keras 3 no longer takes, by argument name; each was an argument of many classes or of one.
RETIRED_ARGUMENTS: dict[str, str] = {
    "input_length": "leave it out; Keras 3 reads the length from the input's shape",
    "input_shape": "leave it out; the shape stands under `inputs`",
    "input_dtype": "leave it out; the dtype stands under `inputs`",
    "batch_input_shape": "leave it out; write `batch_size` under `inputs`",
    "nb_epoch": "write `epochs`",
    "nb_filter": "write `filters`",
    "nb_row": "write `kernel_size: [rows, columns]`",
    "nb_col": "write `kernel_size: [rows, columns]`",
    "filter_length": "write `kernel_size`",
    "subsample": "write `strides`",
    "subsample_length": "write `strides`",
    "border_mode": "write `padding`",
    "dim_ordering": "write `data_format: channels_last` or `channels_first`",
    "init": "write `kernel_initializer`",
    "W_regularizer": "write `kernel_regularizer`",
    "b_regularizer": "write `bias_regularizer`",
    "W_constraint": "write `kernel_constraint`",
    "b_constraint": "write `bias_constraint`",
    "inner_activation": "write `recurrent_activation`",
    "inner_init": "write `recurrent_initializer`",
    "dropout_W": "write `dropout`",
    "dropout_U": "write `recurrent_dropout`",
    "pool_length": "write `pool_size`",
    "consume_less": "leave it out; Keras chooses the implementation",
    "implementation": "leave it out; Keras chooses the implementation",
    "lr": "write `learning_rate`",
    "decay": "give a schedule: `learning_rate: {InverseTimeDecay: {...}}`",
    "period": "write `save_freq: epoch`, or after how many batches to save",
}

# `merge` modes of Keras 1 that are not modes of graphspec.
RETIRED_MERGES: dict[str, str] = {
    "join": "a list does that: `from: [a, b]` hands the layer both tensors",
}

# Wrappers that build their own copies of the layer they are given, so that a shared layer would not be shared.
COPYING_WRAPPERS = ("Bidirectional",)

"""The names of Keras that a spec cannot use or Keras no longer has, each with what to write instead.

The catalogue holds what Keras has; this table says why a spec cannot use some of it. It is the only list of names
kept by hand, and a test compares it with the installed Keras.
"""

from __future__ import annotations

# Layers and callbacks with Python code or a foreign graph: a spec is data, and loading it runs no code.
CODE_CARRYING: dict[str, str] = {
    "Lambda": "use operations, such as `ops.square` or `ops.transpose: {axes: [0, 2, 1]}`, or a `merge`",
    "TFSMLayer": "a saved graph holds code; declare a trained model under `models` instead",
    "JaxLayer": "it holds a Python function; use the equivalent Keras layer",
    "FlaxLayer": "it holds a Flax module; use the equivalent Keras layer",
    "TorchModuleWrapper": "it holds a PyTorch module; use the equivalent Keras layer",
    "LambdaCallback": "it holds Python functions; use a specific callback",
    "LearningRateScheduler": "it holds a Python function; set a schedule in the optimizer: "
    "`learning_rate: {ExponentialDecay: {...}}`",
}

# Functions of `keras.ops` that take Python functions.
CODE_CARRYING_OPS: dict[str, str] = {
    "ops.associative_scan": "it takes a Python function; use `ops.cumsum`, `ops.cumprod` or a recurrent layer",
    "ops.cond": "it takes Python functions; compute both tensors and choose with `ops.where`",
    "ops.custom_gradient": "it takes a Python function; `ops.stop_gradient` stops a gradient",
    "ops.fori_loop": "it takes a Python function; `repeat: n` applies a step several times",
    "ops.jvp": "it takes a Python function, and a graph computes no gradients",
    "ops.map": "it takes a Python function; `TimeDistributed` applies a layer or a model to each",
    "ops.scan": "it takes a Python function; use a recurrent layer",
    "ops.switch": "it takes Python functions; compute the tensors and choose with `ops.select`",
    "ops.vectorize": "it takes a Python function; operations work on whole tensors",
    "ops.vectorized_map": "it takes a Python function; `TimeDistributed` applies a layer or a model to each",
    "ops.while_loop": "it takes Python functions; `repeat: n` applies a step several times",
}

# Operations that fail in graphs or in reloaded ones, by bugs of Keras on TensorFlow. A test fails when they are fixed.
FAILING_OPS: dict[str, str] = {
    "ops.adaptive_average_pool": "a saved model with it cannot be loaded; use the layer `AdaptiveAveragePooling2D`",
    "ops.adaptive_max_pool": "a saved model with it cannot be loaded; use the layer `AdaptiveMaxPooling2D`",
    "ops.conv_transpose": "Keras mixes up its padding arguments in a graph; use the layer `Conv2DTranspose`",
    "ops.histogram": "Keras does not find it in a graph; use the layer `Discretization`",
    "ops.view_as_complex": "Keras multiplies two dtypes; compute with real and imaginary parts, as `ops.fft` does",
}

# Random operations that no graph of Keras can hold: numbers come from initializers, which have no such distribution.
UNDRAWN_OPS: dict[str, str] = {
    "ops.random.beta": "divide: with gammas a and b, a / (a + b) is beta; see `ops.random.gamma`",
    "ops.random.binomial": "count: draw `ops.random.uniform` along a further axis, compare it with the probability by "
    "`ops.less`, and sum over that axis",
    "ops.random.gamma": "for a whole `alpha`, sum as many exponentials along a further axis: "
    "`[ops.random.uniform, ops.log, ops.negative, {ops.sum: {axis: -1}}]`",
}

# Exported base classes, and classes that graphspec itself adds.
NOT_APPLIED: dict[str, str] = {
    "Layer": "it is the base of all layers; use a specific layer",
    "Wrapper": "it is the base of wrappers; use `TimeDistributed` or `Bidirectional`",
    "InputLayer": "declare inputs under `inputs`",
    "Initializer": "it is the base of all initializers",
    "Regularizer": "it is the base of all regularizers",
    "Constraint": "it is the base of all constraints",
    "Loss": "it is the base of all losses",
    "Metric": "it is the base of all metrics",
    "MeanMetricWrapper": "it holds a Python function; use a specific metric",
    "Optimizer": "it is the base of all optimizers",
    "MultiOptimizer": "it takes a Python object that maps variables to optimizers; use one optimizer",
    "LearningRateSchedule": "it is the base of all schedules",
    "BackupAndRestore": "every run can be resumed by `graphspec train --resume`",
    "Callback": "it is the base of all callbacks",
    "CallbackList": "list the callbacks under `training: callbacks:`",
    "History": "every run records its history already",
    "ProgbarLogger": "every run shows its progress already",
    "RemoteMonitor": "read the same numbers from `metrics.jsonl` in the run",
}

# Names above that open a network connection.
CONNECTING = ("RemoteMonitor",)

# Names of Keras 1 and 2 that Keras 3 does not have.
RETIRED_NAMES: dict[str, str] = {
    "Merge": "write `merge: concat` (or sum, mul, ave, dot, ...) in the node",
    "merge": "write `merge: concat` (or sum, mul, ave, dot, ...) in the node",
    "CuDNNLSTM": "write `LSTM`, which uses cuDNN automatically",
    "CuDNNGRU": "write `GRU`, which uses cuDNN automatically",
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
    "input_shape": "leave it out; write the shape under `inputs`",
    "input_dtype": "leave it out; write the dtype under `inputs`",
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
    "decay": "use a schedule: `learning_rate: {InverseTimeDecay: {...}}`",
    "period": "write `save_freq: epoch`, or a number of batches",
}

# `merge` modes of Keras 1 that are not modes of graphspec.
RETIRED_MERGES: dict[str, str] = {
    "join": "a list is enough: `from: [a, b]` passes both tensors to the layer",
}

# Wrappers that copy their layer, so that a shared layer would not be shared.
COPYING_WRAPPERS = ("Bidirectional",)

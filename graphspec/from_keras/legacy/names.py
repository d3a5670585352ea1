"""Names of layers and arguments of Keras 1 and 2, with those of Keras 3 or the reason why there are none.

The tables of docs/decompile.md are written from these by `scripts/make_legacy_tables.py`.
"""

from __future__ import annotations

from typing import Any

LAYERS: dict[str, str] = {
    "AtrousConv1D": "Conv1D",
    "AtrousConv2D": "Conv2D",
    "AtrousConvolution1D": "Conv1D",
    "AtrousConvolution2D": "Conv2D",
    "AvgPool1D": "AveragePooling1D",
    "AvgPool2D": "AveragePooling2D",
    "AvgPool3D": "AveragePooling3D",
    "BatchNormalizationV1": "BatchNormalization",
    "BatchNormalizationV2": "BatchNormalization",
    "Convolution1D": "Conv1D",
    "Convolution2D": "Conv2D",
    "Convolution2DTranspose": "Conv2DTranspose",
    "Convolution3D": "Conv3D",
    "Convolution3DTranspose": "Conv3DTranspose",
    "CuDNNGRU": "GRU",
    "CuDNNLSTM": "LSTM",
    "Deconv2D": "Conv2DTranspose",
    "Deconvolution2D": "Conv2DTranspose",
    "Deconvolution3D": "Conv3DTranspose",
    "GlobalAvgPool1D": "GlobalAveragePooling1D",
    "GlobalAvgPool2D": "GlobalAveragePooling2D",
    "GlobalAvgPool3D": "GlobalAveragePooling3D",
    "GlobalMaxPool1D": "GlobalMaxPooling1D",
    "GlobalMaxPool2D": "GlobalMaxPooling2D",
    "GlobalMaxPool3D": "GlobalMaxPooling3D",
    "MaxPool1D": "MaxPooling1D",
    "MaxPool2D": "MaxPooling2D",
    "MaxPool3D": "MaxPooling3D",
    "SeparableConvolution1D": "SeparableConv1D",
    "SeparableConvolution2D": "SeparableConv2D",
    "SyncBatchNormalization": "BatchNormalization",
    "ThresholdedReLU": "ReLU",
    "TimeDistributedDense": "Dense",
}
"""Layers that Keras 3 has under another name."""

TRANSLATED: dict[str, str] = {
    "MaxoutDense": "`Dense`, `Reshape` and `GlobalMaxPooling1D` over the parts",
    "Merge": "`Add`, `Multiply`, `Average`, `Maximum`, `Concatenate` or `Dot`, by its `mode`",
    "TFOpLambda": "the operation of `keras.ops` that computes the same",
    "SlicingOpLambda": "`ops.get_item`",
    "TensorFlowOpLayer": "the operation of `keras.ops` that computes the same",
}
"""Layers that are translated to other layers or operations, and those."""

OF_APPLICATIONS: dict[str, str] = {
    "CustomScaleLayer": "keras.src.applications.inception_resnet_v2",
    "LayerScale": "keras.src.applications.convnext",
    "StochasticDepth": "keras.src.applications.convnext",
}
"""Layers of `keras.applications` that Keras does not export, and their modules in Keras 3."""

REFUSED_LAYERS: dict[str, str] = {
    "ClassMethod": "it calls a method of a class of TensorFlow; write the operation, or a layer in a plugin",
    "DenseFeatures": "write preprocessing layers, such as `CategoryEncoding` and `Normalization`, and a `Concatenate`",
    "SequenceFeatures": "write preprocessing layers, such as `StringLookup`, and an `Embedding`",
    "Graph": "Keras 1.0 dropped it; write the model with inputs, nodes and outputs",
    "Highway": "its size is not in the configuration; write its gate with `Dense`, `Multiply` and `Add`",
    "InstanceMethod": "it calls a method of a tensor of TensorFlow; write the operation, or a layer in a plugin",
    "InstanceProperty": "it reads a property of a tensor of TensorFlow; write the operation, or a layer in a plugin",
    "LambdaMerge": "it carries code; use operations, or a layer in a plugin",
    "LocallyConnected1D": "Keras 3 has no locally connected layers; write one in a plugin",
    "LocallyConnected2D": "Keras 3 has no locally connected layers; write one in a plugin",
    "MaskedLambda": "it carries code; use operations, or a layer in a plugin",
    "ParametricSoftplus": "write `ops.softplus` between two layers that scale, or a layer in a plugin",
    "RandomHeight": "`RandomZoom: {height_factor: ..., width_factor: 0}` zooms, and keeps the size of the image",
    "RandomWidth": "`RandomZoom: {height_factor: 0, width_factor: ...}` zooms, and keeps the size of the image",
    "Siamese": "Keras 1.0 dropped it; apply one layer to several tensors",
    "SReLU": "no layer of Keras 3 learns two thresholds; write one in a plugin",
}
"""Layers that Keras 3 does not have, and what replaced them."""

ARGUMENTS: dict[str, tuple[str, ...]] = {
    "W_constraint": ("kernel_constraint", "embeddings_constraint"),
    "W_initializer": ("kernel_initializer",),
    "W_regularizer": ("kernel_regularizer", "embeddings_regularizer"),
    "U_regularizer": ("recurrent_regularizer",),
    "U_constraint": ("recurrent_constraint",),
    "b_constraint": ("bias_constraint",),
    "b_regularizer": ("bias_regularizer",),
    "alpha": ("negative_slope",),
    "atrous_rate": ("dilation_rate",),
    "beta_init": ("beta_initializer",),
    "bias": ("use_bias",),
    "bins": ("bin_boundaries",),
    "border_mode": ("padding",),
    "dim_ordering": ("data_format",),
    "dropout_U": ("recurrent_dropout",),
    "dropout_W": ("dropout",),
    "filter_length": ("kernel_size",),
    "forget_bias_init": ("unit_forget_bias",),
    "gamma_init": ("gamma_initializer",),
    "init": ("kernel_initializer", "embeddings_initializer", "alpha_initializer"),
    "inner_activation": ("recurrent_activation",),
    "inner_init": ("recurrent_initializer",),
    "length": ("size",),
    "max_tokens": ("num_tokens",),
    "nb_filter": ("filters",),
    "output_dim": ("units",),
    "p": ("rate",),
    "pool_length": ("pool_size",),
    "sigma": ("stddev",),
    "stride": ("strides",),
    "subsample": ("strides",),
    "subsample_length": ("strides",),
    "theta": ("threshold",),
}
"""Arguments by their older names; of several new ones, a layer has one."""

KERNEL_SIDES = (("nb_row", "nb_col"), ("kernel_dim1", "kernel_dim2", "kernel_dim3"))
"""Arguments of Keras 1 that make up a `kernel_size`."""

WITHOUT_EFFECT = frozenset(
    (
        *("batch_input_shape", "batch_size", "input_dim", "input_dtype", "input_length", "input_shape"),
        *(
            "autocast",
            "consume_less",
            "experimental_autocast",
            "force_generator",
            "fused",
            "implementation",
            "rng_type",
        ),
        *("has_input_vocabulary", "vocabulary_dtype", "vocabulary_size"),
        *("key_shape", "query_shape", "robust_masking", "softmax_robust_masking", "value_shape"),
    )
)
"""Arguments that say nothing to Keras 3: it reads them from the input, or chooses by itself."""

HARMLESS: dict[str, tuple[Any, str]] = {
    "adjustment": (None, "adjustments are not in Keras 3"),
    "dynamic": (False, "no layer of Keras 3 is `dynamic`"),
    "groups": (1, "this layer of Keras 3 has no `groups`"),
    "mode": (0, "normalization by sample, or by batch at prediction, is not in Keras 3; use `LayerNormalization`"),
    "noise_shape": (None, "the layer drops whole channels by itself"),
    "ragged": (False, "no input of Keras 3 is ragged; pad it, and mask it by `Masking` or `mask_zero`"),
    "sparse": (False, "sparse gradients of an `Embedding` are not in Keras 3"),
    "time_major": (False, "no layer of Keras 3 takes time first; swap the axes by `Permute` before and behind it"),
    "type_spec": (None, "no input of Keras 3 has a type of TensorFlow"),
    "virtual_batch_size": (None, "virtual batches are not in Keras 3"),
    "weights": (None, "save the model as a whole, which keeps its weights"),
}
"""Arguments that Keras 3 does not have: the value that says nothing, and what to do about any other."""

MERGE_MODES: dict[str, tuple[str, str]] = {
    "sum": ("Add", "merge: sum"),
    "mul": ("Multiply", "merge: mul"),
    "ave": ("Average", "merge: ave"),
    "max": ("Maximum", "merge: max"),
    "concat": ("Concatenate", "merge: concat"),
    "dot": ("Dot", "merge: dot"),
    "cos": ("Dot", "merge: cos, and `Reshape`"),
}
"""The layer of each `mode` of a `Merge` of Keras 1, and how a spec writes it."""

REFUSED_MODES: dict[str, str] = {"join": "a list is enough: `from: [a, b]` passes both tensors to the layer"}

DIM_ORDERINGS = {"tf": "channels_last", "th": "channels_first"}

NOT_IN_CONFIGURATIONS: dict[str, str] = {
    "nb_epoch": "an argument of `fit`, which no file keeps; write `epochs` under `training`",
    "samples_per_epoch": "an argument of `fit_generator`, which no file keeps; write `steps_per_epoch`",
    "nb_val_samples": "an argument of `fit_generator`, which no file keeps; name the data under `data.validation`",
}
"""Names of Keras 1 that are no part of a model."""

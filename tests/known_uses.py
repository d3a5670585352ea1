"""Every layer and every other object of Keras in use: what a spec writes after its name, and what a layer is given.

The tests make each of them from a spec and by hand; `scripts/make_values.py` varies one argument at a time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Shape = tuple[int | None, ...]

VECTOR: Shape = (6,)
STEPS: Shape = (8, 6)
IMAGE: Shape = (8, 8, 3)
VOLUME: Shape = (8, 8, 8, 3)
FILM: Shape = (4, 8, 8, 3)


@dataclass
class Case:
    """A layer in use: what the spec writes after its name, and what comes in.

    inputs: the shape of one input, a list of shapes, or shapes by keyword. dtype: of all inputs, or of each. call:
    further call arguments, nested lists of shapes. by_hand: makes the layer, where its arguments are not plain data.
    """

    written: Any = None
    inputs: Any = STEPS
    dtype: Any = "float32"
    call: dict[str, Any] = field(default_factory=dict)
    by_hand: Callable[[Any], Any] | None = None


def images(written: Any = None) -> Case:
    return Case(written, IMAGE)


def convolutions(suffix: str) -> dict[str, Case]:
    """The convolutions of one, two and three dimensions, whose names end in `suffix`."""
    arguments = {"filters": 4, "kernel_size": 3, "padding": "same", "kernel_regularizer": None}
    return {
        f"{stem}{dimensions}D{suffix}": Case(arguments, shape)
        for stem in ("Conv", "Convolution")
        for dimensions, shape in ((1, STEPS), (2, IMAGE), (3, VOLUME))
    }


def each_dimension(stem: str, written: Any) -> dict[str, Case]:
    return {f"{stem}{i}D": Case(written, shape) for i, shape in ((1, STEPS), (2, IMAGE), (3, VOLUME))}


CASES: dict[str, Case] = {
    "Activation": Case("relu"),
    "ActivityRegularization": Case({"l2": 0.01}),
    **each_dimension("AdaptiveAveragePooling", 2),
    **each_dimension("AdaptiveMaxPooling", 2),
    **{
        name: Case(None, [STEPS, STEPS]) for name in ("Add", "Average", "Concatenate", "Maximum", "Minimum", "Multiply")
    },
    "Subtract": Case(None, [STEPS, STEPS]),
    "Dot": Case({"axes": -1, "normalize": True}, [STEPS, STEPS]),
    "AdditiveAttention": Case({"dropout": 0.1}, [STEPS, STEPS]),
    "Attention": Case({"use_scale": True, "score_mode": "concat"}, [STEPS, STEPS, STEPS]),
    "MultiHeadAttention": Case({"num_heads": 2, "key_dim": 3}, {"query": STEPS, "value": STEPS}),
    "GroupQueryAttention": Case(
        {"head_dim": 3, "num_query_heads": 4, "num_key_value_heads": 2}, {"query": STEPS, "value": STEPS, "key": STEPS}
    ),
    "AlphaDropout": Case({"rate": 0.1, "seed": 1}),
    "Dropout": Case({"rate": 0.1, "seed": 1, "noise_shape": [None, 1, 6]}),
    "GaussianDropout": Case({"rate": 0.1, "seed": 1}),
    "GaussianNoise": Case({"stddev": 0.1, "seed": 1}),
    **each_dimension("SpatialDropout", {"rate": 0.1, "seed": 1}),
    **each_dimension("AveragePooling", 2),
    **each_dimension("AvgPool", 2),
    **each_dimension("MaxPooling", {"pool_size": 2, "strides": 1}),
    **each_dimension("MaxPool", 2),
    **each_dimension("GlobalAveragePooling", {"keepdims": True}),
    **each_dimension("GlobalAvgPool", None),
    **each_dimension("GlobalMaxPooling", None),
    **each_dimension("GlobalMaxPool", None),
    **each_dimension("Cropping", 1),
    **each_dimension("UpSampling", 2),
    **each_dimension("ZeroPadding", 1),
    **convolutions(""),
    **convolutions("Transpose"),
    "DepthwiseConv1D": Case(3),
    "DepthwiseConv2D": Case(3, IMAGE),
    **{f"SeparableConv{kind}1D": Case({"filters": 4, "kernel_size": 3}) for kind in ("", "olution")},
    **{f"SeparableConv{kind}2D": Case({"filters": 4, "kernel_size": 3}, IMAGE) for kind in ("", "olution")},
    "ConvLSTM1D": Case({"filters": 4, "kernel_size": 3}, (4, 8, 3)),
    "ConvLSTM2D": Case({"filters": 4, "kernel_size": [3, 3], "return_state": True}, FILM),
    "ConvLSTM3D": Case({"filters": 2, "kernel_size": 3}, (2, *VOLUME)),
    "BatchNormalization": Case({"momentum": 0.9}),
    "GroupNormalization": Case({"groups": 3}),
    "LayerNormalization": Case({"axis": [1, 2]}),
    "RMSNormalization": Case(),
    "UnitNormalization": Case(-1),
    "SpectralNormalization": Case(
        {"layer": {"Conv2D": {"filters": 4, "kernel_size": 3}}, "power_iterations": 2},
        IMAGE,
        by_hand=lambda layers: layers.SpectralNormalization(layers.Conv2D(4, 3), power_iterations=2),
    ),
    "Dense": Case(
        {
            "units": 4,
            "activation": "gelu",
            "kernel_initializer": {"HeNormal": {"seed": 1}},
            "bias_regularizer": {"L2": 0.1},
        },
        by_hand=lambda layers: layers.Dense(
            4,
            activation="gelu",
            kernel_initializer=keras().initializers.HeNormal(1),
            bias_regularizer=keras().regularizers.L2(0.1),
        ),
    ),
    "EinsumDense": Case({"equation": "abc,cd->abd", "output_shape": [None, 4], "bias_axes": "d"}),
    "Embedding": Case({"input_dim": 9, "output_dim": 4, "mask_zero": True}, (7,), "int32"),
    "ReversibleEmbedding": Case({"input_dim": 9, "output_dim": 4}, (7,), "int32"),
    "ELU": Case(0.5),
    "LeakyReLU": Case(0.1),
    "PReLU": Case({"shared_axes": [1]}),
    "ReLU": Case({"max_value": 6.0}),
    "Softmax": Case(1),
    "Flatten": Case(),
    "Identity": Case(),
    "Masking": Case(0.0),
    "Permute": Case([2, 1]),
    "RepeatVector": Case(3, VECTOR),
    "Reshape": Case([4, -1]),
    "Rescaling": Case({"scale": 0.5, "offset": 1.0}),
    "GRU": Case({"units": 4, "return_state": True}),
    "LSTM": Case({"units": 4, "return_state": True, "return_sequences": True}),
    "SimpleRNN": Case(4),
    "GRUCell": Case(4, VECTOR, call={"states": (4,)}),
    "SimpleRNNCell": Case(4, VECTOR, call={"states": (4,)}),
    "LSTMCell": Case(4, VECTOR, call={"states": [(4,), (4,)]}),
    "StackedRNNCells": Case(
        {"cells": [{"LSTMCell": 4}, {"GRUCell": 5}]},
        VECTOR,
        call={"states": [[(4,), (4,)], (5,)]},
        by_hand=lambda layers: layers.StackedRNNCells([layers.LSTMCell(4), layers.GRUCell(5)]),
    ),
    "RNN": Case(
        {"cell": {"StackedRNNCells": {"cells": [{"LSTMCell": 4}, {"GRUCell": 5}]}}, "return_sequences": True},
        by_hand=lambda layers: layers.RNN(
            layers.StackedRNNCells([layers.LSTMCell(4), layers.GRUCell(5)]), return_sequences=True
        ),
    ),
    "Bidirectional": Case(
        {"layer": {"LSTM": 4}, "backward_layer": {"LSTM": {"units": 4, "go_backwards": True}}, "merge_mode": "sum"},
        by_hand=lambda layers: layers.Bidirectional(
            layers.LSTM(4), backward_layer=layers.LSTM(4, go_backwards=True), merge_mode="sum"
        ),
    ),
    "TimeDistributed": Case(
        {"layer": {"Conv2D": {"filters": 4, "kernel_size": 3}}},
        FILM,
        by_hand=lambda layers: layers.TimeDistributed(layers.Conv2D(4, 3)),
    ),
    "Pipeline": Case(
        {"layers": [{"Rescaling": 0.5}, {"RandomFlip": {"seed": 1}}]},
        IMAGE,
        by_hand=lambda layers: layers.Pipeline([layers.Rescaling(0.5), layers.RandomFlip(seed=1)]),
    ),
    "CategoryEncoding": Case({"num_tokens": 5, "output_mode": "count"}, (7,), "int32"),
    "Discretization": Case({"bin_boundaries": [0.0, 0.5, 1.0]}),
    "Hashing": Case({"num_bins": 5}, (7,), "int32"),
    "HashedCrossing": Case({"num_bins": 5}, [(1,), (1,)], "int32"),
    "IntegerLookup": Case({"vocabulary": [3, 5, 9]}, (7,), "int64"),
    "StringLookup": Case({"vocabulary": ["a", "b"], "output_mode": "multi_hot"}, (7,), "string"),
    "TextVectorization": Case({"vocabulary": ["good", "bad"], "output_sequence_length": 5}, (1,), "string"),
    "Normalization": Case({"mean": 0.5, "variance": 2.0}),
    "LayerScale": Case({"init_values": 0.5, "projection_dim": 6}),
    "StochasticDepth": Case(0.5),
    "CustomScaleLayer": Case(0.5, [STEPS, STEPS]),
    "MelSpectrogram": Case({"sequence_length": 64, "sequence_stride": 32, "fft_length": 64, "num_mel_bins": 8}, (400,)),
    "STFTSpectrogram": Case({"frame_length": 64, "frame_step": 32, "fft_length": 64}, (400, 1)),
    "MaxNumBoundingBoxes": Case({"max_number": 3, "bounding_box_format": "xyxy"}, {"boxes": (5, 4), "labels": (5,)}),
    "RandomColorDegeneration": Case({"factor": 0.1, "seed": 1}, (3, 8, 3)),  # it wants three colours on either axis
    "CutMix": Case({"seed": 1}, {"images": IMAGE, "labels": (4,)}),
    "MixUp": Case({"seed": 1}, {"images": IMAGE, "labels": (4,)}),
    **{
        name: images(arguments)
        for name, arguments in {
            "AugMix": {"seed": 1},
            "AutoContrast": None,
            "CenterCrop": {"height": 4, "width": 4},
            "ContrastLimitedAdaptiveHistogramEqualization": None,
            "RandAugment": {"seed": 1},
            "RandomBrightness": {"factor": 0.1, "seed": 1},
            "RandomColorJitter": {"brightness_factor": 0.1, "seed": 1},
            "RandomContrast": {"factor": 0.1, "seed": 1},
            "RandomCrop": {"height": 4, "width": 4, "seed": 1},
            "RandomElasticTransform": {"seed": 1},
            "RandomErasing": {"seed": 1},
            "RandomFlip": {"mode": "horizontal", "seed": 1},
            "RandomGaussianBlur": {"seed": 1},
            "RandomGrayscale": {"seed": 1},
            "RandomHue": {"factor": 0.1, "seed": 1},
            "RandomInvert": {"seed": 1},
            "RandomPerspective": {"seed": 1},
            "RandomPosterization": {"factor": 4, "seed": 1},
            "RandomRotation": {"factor": 0.1, "seed": 1},
            "RandomSaturation": {"factor": 0.1, "seed": 1},
            "RandomSharpness": {"factor": 0.1, "seed": 1},
            # Keras cannot load what it saves of one number here: it turns 0.1 into [-0.1, 0.1], and refuses -0.1.
            "RandomShear": {"x_factor": [0.0, 0.1], "seed": 1},
            "RandomTranslation": {"height_factor": 0.1, "width_factor": 0.1, "seed": 1},
            "RandomZoom": {"height_factor": 0.1, "seed": 1},
            "Resizing": {"height": 4, "width": 5, "crop_to_aspect_ratio": True},
            "Solarization": {"seed": 1},
        }.items()
    },
}


def keras() -> Any:
    import keras

    return keras


# What an object cannot be made without, or what shows it better than its defaults; all others are made bare.
ARGUMENTS: dict[str, str] = {
    "LossScaleOptimizer": "{inner_optimizer: {Adam: 0.01}, initial_scale: 8.0}",
    "Adam": "{learning_rate: {ExponentialDecay: {initial_learning_rate: 0.1, decay_steps: 10, decay_rate: 0.5}}}",
    "CosineDecay": "{initial_learning_rate: 0.1, decay_steps: 10}",
    "CosineDecayRestarts": "{initial_learning_rate: 0.1, first_decay_steps: 10}",
    "ExponentialDecay": "{initial_learning_rate: 0.1, decay_steps: 10, decay_rate: 0.5}",
    "InverseTimeDecay": "{initial_learning_rate: 0.1, decay_steps: 10, decay_rate: 0.5}",
    "PiecewiseConstantDecay": "{boundaries: [5, 9], values: [1.0, 0.5, 0.1]}",
    "PolynomialDecay": "{initial_learning_rate: 0.1, decay_steps: 10}",
    "BinaryIoU": "{target_class_ids: [0], threshold: 0.3}",
    "IoU": "{num_classes: 3, target_class_ids: [0]}",
    "MeanIoU": "{num_classes: 3}",
    "OneHotIoU": "{num_classes: 3, target_class_ids: [0]}",
    "OneHotMeanIoU": "{num_classes: 3}",
    "PrecisionAtRecall": "{recall: 0.5}",
    "RecallAtPrecision": "{precision: 0.5}",
    "SensitivityAtSpecificity": "{specificity: 0.5}",
    "SpecificityAtSensitivity": "{sensitivity: 0.5}",
    "BackupAndRestore": "backup",
    "CSVLogger": "log.csv",
    "ModelCheckpoint": "best.keras",
    "OrbaxCheckpoint": "{directory: checkpoints}",
    "EarlyStopping": "{patience: 3, restore_best_weights: true}",
    "STFT": "{side: imag}",
    "STFTInitializer": "{side: real}",
    "stft": "{side: real}",
}

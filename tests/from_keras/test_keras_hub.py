"""Backbones of KerasHub, decompiled and built again; skipped where KerasHub is not installed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import pytest

from tests.from_keras.round_trip import differences

pytestmark = pytest.mark.slow

_IMAGE: dict[str, Any] = {"image_shape": (64, 64, 3)}
_TEXT: dict[str, Any] = {"vocabulary_size": 50, "num_heads": 2, "hidden_dim": 8, "intermediate_dim": 16}

BACKBONES: dict[str, dict[str, Any]] = {
    "VGGBackbone": {"stackwise_num_repeats": [2, 2], "stackwise_num_filters": [4, 8], **_IMAGE},
    "ResNetBackbone": {
        "input_conv_filters": [64],
        "input_conv_kernel_sizes": [7],
        "stackwise_num_filters": [64, 128],
        "stackwise_num_blocks": [3, 2],
        "stackwise_num_strides": [1, 2],
        "block_type": "bottleneck_block",
        **_IMAGE,
    },
    "DenseNetBackbone": {"stackwise_num_repeats": [3, 4], "growth_rate": 4, **_IMAGE},
    "XceptionBackbone": {
        "stackwise_conv_filters": [[4, 8], [8, 8]],
        "stackwise_pooling": [True, False],
        **_IMAGE,
    },
    "EfficientNetBackbone": {
        "stackwise_width_coefficients": [1.0] * 3,
        "stackwise_depth_coefficients": [1.0] * 3,
        "stackwise_kernel_sizes": [3, 3, 5],
        "stackwise_num_repeats": [1, 2, 2],
        "stackwise_input_filters": [32, 16, 24],
        "stackwise_output_filters": [16, 24, 40],
        "stackwise_expansion_ratios": [1, 6, 6],
        "stackwise_squeeze_and_excite_ratios": [0.25] * 3,
        "stackwise_strides": [1, 2, 2],
        "stackwise_block_types": ["v1"] * 3,
        "stackwise_force_input_filters": [0] * 3,
        "stackwise_nores_option": [False] * 3,
        "input_shape": (64, 64, 3),
    },
    "BertBackbone": {"num_layers": 2, "num_segments": 50, "max_sequence_length": 64, **_TEXT},
    "GPT2Backbone": {"num_layers": 2, "max_sequence_length": 64, **_TEXT},
    "RobertaBackbone": {"num_layers": 2, "max_sequence_length": 64, **_TEXT},
    "DistilBertBackbone": {"num_layers": 2, "max_sequence_length": 64, **_TEXT},
}


@pytest.fixture(scope="module")
def registered() -> dict[str, Any]:
    """Import KerasHub, and return all that it registers with Keras."""
    pytest.importorskip("keras_hub", reason="KerasHub is not installed")
    return dict(keras.saving.get_custom_objects())


@pytest.mark.parametrize("name", BACKBONES)
def test_backbone_comes_back(name: str, registered: dict[str, Any], tmp_path: Path) -> None:
    """A functional backbone comes back with its layers, arguments, wiring, weights and outputs."""
    hub = pytest.importorskip("keras_hub", reason="KerasHub is not installed")
    keras.saving.get_custom_objects().update(registered)  # which another test may have cleared
    model = getattr(hub.models, name)(**BACKBONES[name])
    found, _ = differences(model, tmp_path)
    assert found == []

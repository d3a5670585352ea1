"""Preprocessing layers for sound: their shapes and verdicts against Keras."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .oracle import Case, assert_agree
from .test_convolution import DTYPES

SAMPLES = st.none() | st.integers(1, 40)

quick = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def some(data: st.DataObject, choices: dict[str, st.SearchStrategy[Any]]) -> dict[str, Any]:
    return {argument: data.draw(values) for argument, values in choices.items() if data.draw(st.booleans())}


@quick
@given(data=st.data(), sizes=st.lists(SAMPLES, max_size=3), dtype=DTYPES, batch_size=st.sampled_from([None, 3]))
def test_mel_spectrogram(
    tmp_path: Path, data: st.DataObject, sizes: list[int | None], dtype: str, batch_size: int | None
) -> None:
    """Any tensor and any windows: the same result, or both refuse."""
    arguments = some(
        data,
        {
            "fft_length": st.sampled_from([4, 16, 64]),
            "sequence_stride": st.integers(1, 9),
            "sequence_length": st.sampled_from([None, 4, 20]),
            "num_mel_bins": st.integers(1, 9),
        },
    )
    assert_agree(Case("MelSpectrogram", arguments, sizes, dtype, batch_size=batch_size), tmp_path)


@quick
@given(
    data=st.data(),
    sizes=st.lists(SAMPLES, max_size=3) | st.tuples(SAMPLES, st.integers(1, 3)).map(list),
    dtype=DTYPES,
)
def test_stft_spectrogram(tmp_path: Path, data: st.DataObject, sizes: list[int | None], dtype: str) -> None:
    """Any tensor and any windows: the same result, or both refuse."""
    arguments = some(
        data,
        {
            "mode": st.sampled_from(["log", "magnitude", "psd", "real", "imag", "angle", "stft"]),
            "frame_length": st.integers(1, 20),
            "frame_step": st.sampled_from([None, 1, 3, 9]),
            "fft_length": st.sampled_from([None, 8, 16, 20]),
            "padding": st.sampled_from(["valid", "same"]),
            "expand_dims": st.booleans(),
            "data_format": st.sampled_from([None, "channels_first", "channels_last"]),
        },
    )
    assert_agree(Case("STFTSpectrogram", arguments, sizes, dtype), tmp_path)

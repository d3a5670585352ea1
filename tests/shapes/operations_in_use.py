"""The random calls of each operation: its constants, and the shapes of its tensors where not all fit."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from graphspec.shapes.ops.elementwise import words

from .operations import AXES, AXIS, DTYPE, FLAG, NUMBER, OMIT, SIZE, Shapes, Use, or_omitted


def fixed(*shapes: list[int | None]) -> Shapes:
    """Draw one of these shapes."""
    return st.sampled_from(shapes)


LIST = st.sampled_from([[0.5, 1.0], [1, 2, 3], [[0.5], [1]], [True, False]])
PARTS = st.sampled_from(["0", "-1", "2", ":", "1:", ":-1", "::-2", "5:1", "...", "None"])
KEY = st.lists(PARTS, min_size=1, max_size=4).map(", ".join)
PAIR = st.lists(st.integers(0, 2), min_size=1, max_size=3) | st.just([1, 1])
SECTIONS = st.integers(0, 4) | st.lists(st.integers(0, 4), max_size=3)
NESTED = (
    st.integers(-2, 3) | st.lists(st.integers(0, 3), max_size=3) | st.just([[0, 1], [1, 0]]) | st.just([[0], [1, 0]])
)
SOME_SIZES = st.lists(SIZE | st.just(-1), max_size=4)
VECTOR = fixed([], [], [], [2], [None], [2, 2])
SIDE = st.sampled_from([1, 3, 4, 5, 6, None])
SQUARE = fixed([2, 2], [3, 3], [1, 1], [None, None], [3, 2], [2, None], [4], [], [3, 2, 2])
LETTERS = st.text("bijA", max_size=4) | st.builds(
    "{}...{}".format, st.text("bi", max_size=2), st.text("jk", max_size=2)
)
SUBSCRIPTS = st.builds(
    "{}{}{}".format,
    st.lists(LETTERS, min_size=1, max_size=3).map(",".join),
    st.sampled_from(["->", "->", ""]),
    st.just("") | LETTERS,
) | st.sampled_from(
    ["bij,bjk->bik", "bi,bi->b", "bi,bj->bij", "...i,...j->...ij", "bij->bji", "bij", "bij , bjk -> bik"]
)
WINDOW = st.integers(1, 3) | st.integers(1, 3) | st.lists(st.integers(1, 3), min_size=1, max_size=3)
PADDING = st.sampled_from(["valid", "same"])
FORMAT = st.sampled_from(["channels_first", "channels_last"])
IMAGES = st.lists(SIDE, min_size=2, max_size=3) | st.lists(SIDE, min_size=3, max_size=3) | st.lists(SIDE, max_size=5)
FRAMES = {
    "sequence_length": st.integers(1, 4),
    "sequence_stride": st.integers(1, 3),
    "fft_length": st.integers(1, 8),
}
PATTERNS = (
    "b h w -> b w h",
    "b (h w) -> b h w",
    "b (h w) c -> b h (w c)",
    "b c -> (b c)",
    "b c -> b c d",
    "(b h) c -> b h c",
    "b c",
    "b ... -> b",
    "b c -> b c -> c",
    "a -> a",
    "(h w x) c -> h w x c",
)
SOME_AXES = st.lists(AXIS, max_size=3)
ONES = st.lists(st.sampled_from([None, 1, 1, 1, 2]), max_size=4)


def edges(what: str) -> dict[str, st.SearchStrategy[Any]]:
    """Draw two of the three sizes of each dimension, most of the time."""
    two = (st.just(OMIT) | st.integers(0, 2)), (st.just(OMIT) | st.integers(0, 8))
    return {
        f"top_{what}": st.integers(0, 2),
        f"bottom_{what}": two[0],
        "target_height": two[1],
        f"left_{what}": two[0],
        f"right_{what}": st.integers(0, 3),
        "target_width": two[1],
        "data_format": or_omitted(FORMAT),
    }


USES: dict[str, Use] = {
    f"ops.{name}": use
    for names, use in {
        "clip": Use({"x_min": NUMBER, "x_max": NUMBER}),
        "threshold": Use({"threshold": NUMBER, "default_value": NUMBER}),
        "add floor_divide fmax fmin maximum minimum multiply power subtract fmod mod divide divide_no_nan logaddexp "
        "logaddexp2 true_divide gcd lcm ldexp nextafter arctan2 heaviside hypot equal greater greater_equal isclose "
        "less less_equal logical_and logical_or logical_xor not_equal allclose isin": Use(
            {"x1": st.just(OMIT) | st.just(OMIT) | NUMBER | LIST, "x2": st.just(OMIT) | NUMBER | LIST}
        ),
        "bitwise_and bitwise_or bitwise_xor bitwise_left_shift bitwise_right_shift left_shift right_shift": Use(
            {"y": or_omitted(NUMBER)}
        ),
        "all any amax amin max min ptp argmax argmin nanmax nanmin nansum sum nanprod mean median nanmean nanmedian "
        "nanstd nanvar var std logsumexp nanargmax nanargmin": Use({"axis": or_omitted(AXES), "keepdims": FLAG}),
        "count_nonzero": Use({"axis": AXES}),
        "prod": Use({"axis": or_omitted(AXES), "dtype": or_omitted(DTYPE), "keepdims": FLAG}),
        "moments": Use({"axes": AXES, "keepdims": FLAG}),
        "norm": Use(
            {"axis": or_omitted(AXES), "keepdims": FLAG, "ord": st.sampled_from([OMIT, 1, 2, 3, 0, "fro", "nuc"])}
        ),
        "quantile nanquantile percentile nanpercentile": Use(
            {"q": or_omitted(NUMBER | st.lists(st.just(0.5), max_size=3)), "axis": or_omitted(AXES), "keepdims": FLAG}
        ),
        "average": Use({"axis": or_omitted(AXES)}),
        "reshape": Use(
            {"newshape": st.integers(-2, 12) | st.lists(st.sampled_from([-1, 1, 2, 3, 4, 6, None]), max_size=3)}
        ),
        "transpose": Use({"axes": or_omitted(st.permutations(range(3)) | st.permutations([0, 1, -1]) | SOME_AXES)}),
        "expand_dims squeeze": Use({"axis": AXIS | SOME_AXES}, ONES),
        "moveaxis": Use({"source": AXIS | SOME_AXES, "destination": AXIS | SOME_AXES}),
        "swapaxes": Use({"axis1": AXIS, "axis2": AXIS}),
        "flip": Use({"axis": or_omitted(AXES)}),
        "roll": Use({"shift": st.integers(-2, 2), "axis": or_omitted(AXES)}),
        "rot90": Use({"k": st.integers(0, 3), "axes": or_omitted(SOME_AXES | st.lists(AXIS, min_size=2, max_size=2))}),
        "broadcast_to": Use({"shape": st.lists(SIZE | st.just(-1), max_size=4)}),
        "tile": Use({"repeats": st.integers(-1, 3) | st.lists(st.integers(0, 3), max_size=4)}),
        "repeat": Use(
            {"repeats": st.integers(-1, 3) | st.lists(st.integers(0, 3), max_size=4), "axis": or_omitted(AXIS)}
        ),
        "pad": Use(
            {
                "pad_width": st.integers(-1, 3) | PAIR | st.lists(PAIR, max_size=4),
                "constant_values": or_omitted(NUMBER),
            },
            st.lists(SIZE, max_size=2),
        ),
        "diag diagflat": Use({"k": or_omitted(st.integers(-3, 3))}, st.lists(SIZE, max_size=2)),
        "diagonal trace": Use(
            {"offset": or_omitted(st.integers(-3, 3)), "axis1": or_omitted(AXIS), "axis2": or_omitted(AXIS)}
        ),
        "cast saturate_cast array convert_to_tensor empty_like ones_like zeros_like view": Use({"dtype": DTYPE}),
        "full_like": Use({"dtype": or_omitted(DTYPE), "fill_value": or_omitted(NUMBER)}),
        "full": Use({"dtype": or_omitted(DTYPE), "shape": st.lists(SIZE, max_size=3)}),
        "concatenate stack append": Use({"axis": or_omitted(AXIS)}),
        "meshgrid": Use({"indexing": st.sampled_from(["xy", "ij"])}),
        "split": Use({"indices_or_sections": SECTIONS, "axis": or_omitted(AXIS)}),
        "hsplit vsplit dsplit": Use({"indices_or_sections": SECTIONS}),
        "array_split": Use({"indices_or_sections": st.integers(-1, 4), "axis": or_omitted(AXIS)}),
        "unstack": Use({"num": or_omitted(st.integers(0, 4)), "axis": or_omitted(AXIS)}),
        "take": Use({"indices": or_omitted(NESTED), "axis": or_omitted(AXIS)}),
        "take_along_axis": Use({"axis": or_omitted(AXIS)}),
        "get_item": Use({"key": AXIS | st.lists(AXIS | st.none(), max_size=3) | KEY}),
        "slice": Use(
            {"start_indices": or_omitted(st.lists(st.integers(0, 3), max_size=4)), "shape": SOME_SIZES},
            st.lists(SIZE, max_size=2),
            VECTOR,
        ),
        "slice_update": Use({"start_indices": st.lists(st.integers(0, 2), max_size=3)}),
        "scatter": Use({"shape": SOME_SIZES}),
        "unique": Use(
            {
                "axis": or_omitted(AXIS),
                "size": or_omitted(st.integers(1, 4)),
                "return_index": FLAG,
                "return_inverse": FLAG,
                "return_counts": FLAG,
            }
        ),
        "unravel_index": Use({"shape": SOME_SIZES}),
        "sort argsort cumsum cumprod nancumsum nancumprod": Use({"axis": or_omitted(AXIS | st.none())}),
        "argpartition": Use({"kth": st.integers(0, 3), "axis": or_omitted(AXIS | st.none())}),
        "diff": Use({"n": or_omitted(st.integers(0, 3)), "axis": or_omitted(AXIS)}),
        "trapezoid": Use({"axis": or_omitted(AXIS), "dx": or_omitted(NUMBER)}),
        "top_k": Use({"k": st.integers(1, 4)}),
        "in_top_k": Use({"k": st.integers(1, 4)}),
        "segment_max segment_min segment_prod segment_sum": Use(
            {"num_segments": or_omitted(st.integers(1, 4))}, others=VECTOR
        ),
        "searchsorted correlate": Use({}, VECTOR),
        "digitize": Use({}, others=VECTOR),
        "vander": Use({"N": or_omitted(st.integers(0, 4))}, VECTOR),
        "matmul dot inner vdot outer kron": Use({"x2": or_omitted(or_omitted(NUMBER))}),
        "tensordot": Use({"axes": or_omitted(st.integers(-1, 3) | st.lists(SOME_AXES, min_size=2, max_size=2))}),
        "cross": Use(
            {key: or_omitted(AXIS) for key in ("axisa", "axisb", "axisc", "axis")},
            st.lists(st.sampled_from([2, 3, None]), max_size=2),
            batches=(None, 2, 3),
        ),
        "einsum": Use({"subscripts": SUBSCRIPTS}, st.lists(SIZE, max_size=3)),
        "cholesky cholesky_inverse inv det logdet slogdet eig eigh matrix_rank pinv lu_factor": Use({}, SQUARE),
        "svd": Use({"full_matrices": FLAG, "compute_uv": FLAG}, SQUARE),
        "qr": Use({"mode": st.sampled_from(["reduced", "complete"])}, SQUARE),
        "solve solve_triangular": Use({}, SQUARE),
        "softmax log_softmax normalize": Use({"axis": or_omitted(AXES)}),
        "sparsemax glu": Use({"axis": or_omitted(AXIS)}),
        "one_hot": Use({"num_classes": st.integers(0, 4), "axis": or_omitted(AXIS), "dtype": or_omitted(DTYPE)}),
        "multi_hot": Use({"num_classes": or_omitted(st.integers(0, 4)), "axis": or_omitted(AXIS)}),
        "batch_normalization": Use({"axis": AXIS}, others=VECTOR),
        "average_pool max_pool": Use(
            {
                "pool_size": WINDOW,
                "strides": or_omitted(WINDOW),
                "padding": or_omitted(PADDING),
                "data_format": or_omitted(FORMAT),
            },
            IMAGES,
        ),
        "conv depthwise_conv separable_conv": Use(
            {
                "strides": or_omitted(WINDOW),
                "padding": or_omitted(PADDING),
                "data_format": or_omitted(FORMAT),
                "dilation_rate": or_omitted(WINDOW),
            },
            st.builds(
                lambda sizes, channels: [*sizes, channels],
                st.lists(SIDE, min_size=1, max_size=2),
                st.sampled_from([2, 2, 2, 3]),
            )
            | IMAGES,
            fixed([2, 2, 3], [2, 2, 1], [2, 2], [2, 1, 2], [2, None, 2]),
            batches=(2, 2, 3, None),
        ),
        "image.extract_patches image.extract_patches_3d": Use(
            {
                "size": WINDOW,
                "strides": or_omitted(WINDOW),
                "padding": or_omitted(PADDING),
                "data_format": or_omitted(FORMAT),
                "dilation_rate": or_omitted(st.just(1) | WINDOW),
            },
            IMAGES,
        ),
        "unfold": Use(
            {
                "kernel_size": WINDOW,
                "dilation": or_omitted(WINDOW),
                "padding": or_omitted(WINDOW),
                "stride": or_omitted(WINDOW),
            },
            IMAGES,
        ),
        "fold": Use({"output_size": WINDOW, "kernel_size": WINDOW}, st.lists(SIZE, min_size=2, max_size=2) | IMAGES),
        "depth_to_space space_to_depth": Use(
            {"block_size": st.just(2), "data_format": or_omitted(FORMAT)},
            st.lists(st.sampled_from([2, 3, 4, 8, None]), max_size=4),
        ),
        "image.affine_transform": Use({}, IMAGES, fixed([8]) | st.lists(SIZE, max_size=2)),
        "image.elastic_transform image.gaussian_blur image.sobel_edges image.ssim": Use({}, IMAGES),
        "image.perspective_transform": Use({}, IMAGES, fixed([4, 2], [4, 2], [4, 2], [3, 2], [2], [None, 2])),
        "image.rgb_to_grayscale image.rgb_to_hsv image.hsv_to_rgb": Use({"data_format": or_omitted(FORMAT)}, IMAGES),
        "image.resize": Use(
            {
                "size": st.lists(st.integers(1, 5), min_size=1, max_size=3) | st.just([2, 2]),
                "data_format": or_omitted(FORMAT),
                "crop_to_aspect_ratio": FLAG,
                "pad_to_aspect_ratio": FLAG,
            },
            IMAGES,
        ),
        "image.pad_images": Use(edges("padding"), IMAGES),
        "image.crop_images": Use(edges("cropping"), IMAGES),
        "image.map_coordinates": Use({"order": st.just(1)}),
        "image.scale_and_translate": Use(
            {
                "output_shape": SOME_SIZES,
                "spatial_dims": st.just([1, 2]),
                "method": st.just("linear"),
                "scale": or_omitted(NUMBER),
                "translation": or_omitted(NUMBER),
            }
        ),
        "rfft irfft": Use({"fft_length": or_omitted(st.integers(0, 8))}),
        "extract_sequences": Use({"sequence_length": st.integers(0, 4), "sequence_stride": st.integers(1, 3)}),
        "stft": Use(FRAMES | {"center": or_omitted(FLAG)}),
        "istft": Use(FRAMES | {"center": or_omitted(FLAG), "length": or_omitted(st.integers(0, 8))}),
        "linspace geomspace logspace": Use(
            {
                "start": or_omitted(or_omitted(NUMBER)),
                "stop": or_omitted(NUMBER | LIST),
                "num": or_omitted(st.integers(0, 4)),
                "axis": or_omitted(AXIS),
                "dtype": or_omitted(DTYPE),
            }
        ),
        "sparse_categorical_crossentropy": Use({"axis": or_omitted(AXIS)}),
        "ctc_decode": Use(
            {"strategy": st.sampled_from(["greedy", "beam_search"]), "top_paths": or_omitted(st.integers(1, 3))}
        ),
        "psnr": Use({"max_val": NUMBER}),
        "rearrange": Use(
            {
                "pattern": st.sampled_from(PATTERNS),
                "h": or_omitted(st.integers(0, 3)),
                "w": or_omitted(or_omitted(st.integers(1, 2))),
            },
            batches=(None, 2, 3, 2, 3),
        ),
        "where": Use({"x1": or_omitted(NUMBER), "x2": or_omitted(NUMBER | LIST)}),
    }.items()
    for name in words(names)
}
"""Operation → its calls, for those that take more than tensors of any shape."""

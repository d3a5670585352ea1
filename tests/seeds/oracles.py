"""The seed models as a Keras user writes them by hand: what the specs of the same names must build.

Inputs and outputs are dictionaries keyed by the names the specs use; each output ends in a layer of its name.
"""

from __future__ import annotations

from collections.abc import Callable

import keras
from keras import layers


def _mlp_body() -> keras.Model:
    """The fully connected classifier that `mlp` is and `model_as_layer_sequence` applies to every frame."""
    image = keras.Input((784,))
    x = layers.Dense(64, activation="relu")(image)
    x = layers.Dense(64, activation="relu")(x)
    return keras.Model(image, layers.Dense(10, activation="softmax")(x))


def _vision_body() -> keras.Model:
    """The convolutional encoder that `vqa` applies to an image and `video_qa` to every frame."""
    image = keras.Input((224, 224, 3))
    x = layers.Conv2D(64, (3, 3), activation="relu", padding="same")(image)
    x = layers.Conv2D(64, (3, 3), activation="relu")(x)
    x = layers.MaxPooling2D((2, 2))(x)
    x = layers.Conv2D(128, (3, 3), activation="relu", padding="same")(x)
    x = layers.Conv2D(128, (3, 3), activation="relu")(x)
    x = layers.MaxPooling2D((2, 2))(x)
    x = layers.Conv2D(256, (3, 3), activation="relu", padding="same")(x)
    x = layers.Conv2D(256, (3, 3), activation="relu")(x)
    x = layers.Conv2D(256, (3, 3), activation="relu")(x)
    x = layers.MaxPooling2D((2, 2))(x)
    return keras.Model(image, layers.Flatten()(x))


def mlp() -> keras.Model:
    """A chain of dense layers."""
    image = keras.Input((784,), name="image")
    x = layers.Dense(64, activation="relu")(image)
    x = layers.Dense(64, activation="relu")(x)
    predictions = layers.Dense(10, activation="softmax", name="predictions")(x)
    return keras.Model({"image": image}, {"predictions": predictions})


def model_as_layer_sequence() -> keras.Model:
    """A model applied to every step of a sequence."""
    frames = keras.Input((20, 784), name="frames")
    predictions = layers.TimeDistributed(_mlp_body(), name="frame_predictions")(frames)
    return keras.Model({"frames": frames}, {"frame_predictions": predictions})


def headline() -> keras.Model:
    """Two inputs, two outputs."""
    main_input = keras.Input((100,), dtype="int32", name="main_input")
    aux_input = keras.Input((5,), name="aux_input")
    x = layers.Embedding(input_dim=10000, output_dim=512)(main_input)
    lstm_out = layers.LSTM(32)(x)
    aux_output = layers.Dense(1, activation="sigmoid", name="aux_output")(lstm_out)
    x = layers.concatenate([lstm_out, aux_input])
    x = layers.Dense(64, activation="relu")(x)
    x = layers.Dense(64, activation="relu")(x)
    x = layers.Dense(64, activation="relu")(x)
    main_output = layers.Dense(1, activation="sigmoid", name="main_output")(x)
    return keras.Model(
        {"main_input": main_input, "aux_input": aux_input},
        {"main_output": main_output, "aux_output": aux_output},
    )


def tweets() -> keras.Model:
    """One LSTM shared by two inputs."""
    tweet_a = keras.Input((280, 256), name="tweet_a")
    tweet_b = keras.Input((280, 256), name="tweet_b")
    shared_lstm = layers.LSTM(64)
    merged = layers.concatenate([shared_lstm(tweet_a), shared_lstm(tweet_b)], axis=-1)
    same_author = layers.Dense(1, activation="sigmoid", name="same_author")(merged)
    return keras.Model({"tweet_a": tweet_a, "tweet_b": tweet_b}, {"same_author": same_author})


def inception() -> keras.Model:
    """Three towers over one image, concatenated by channel."""
    image = keras.Input((256, 256, 3), name="image")
    tower_1 = layers.Conv2D(64, (1, 1), padding="same", activation="relu")(image)
    tower_1 = layers.Conv2D(64, (3, 3), padding="same", activation="relu")(tower_1)
    tower_2 = layers.Conv2D(64, (1, 1), padding="same", activation="relu")(image)
    tower_2 = layers.Conv2D(64, (5, 5), padding="same", activation="relu")(tower_2)
    tower_3 = layers.MaxPooling2D((3, 3), strides=(1, 1), padding="same")(image)
    tower_3 = layers.Conv2D(64, (1, 1), padding="same", activation="relu")(tower_3)
    features = layers.concatenate([tower_1, tower_2, tower_3], axis=-1, name="features")
    return keras.Model({"image": image}, {"features": features})


def residual() -> keras.Model:
    """A convolution with its input added to its output."""
    x = keras.Input((256, 256, 3), name="x")
    y = layers.Conv2D(3, (3, 3), padding="same")(x)
    return keras.Model({"x": x}, {"z": layers.add([x, y], name="z")})


def shared_vision() -> keras.Model:
    """One convolutional model shared by two images."""
    digit = keras.Input((27, 27, 1))
    x = layers.Conv2D(64, (3, 3))(digit)
    x = layers.Conv2D(64, (3, 3))(x)
    x = layers.MaxPooling2D((2, 2))(x)
    vision = keras.Model(digit, layers.Flatten()(x))

    digit_a = keras.Input((27, 27, 1), name="digit_a")
    digit_b = keras.Input((27, 27, 1), name="digit_b")
    merged = layers.concatenate([vision(digit_a), vision(digit_b)])
    same_digit = layers.Dense(1, activation="sigmoid", name="same_digit")(merged)
    return keras.Model({"digit_a": digit_a, "digit_b": digit_b}, {"same_digit": same_digit})


def vqa() -> keras.Model:
    """A question about an image; large, so build it without weights."""
    image = keras.Input((224, 224, 3), name="image")
    encoded_image = _vision_body()(image)
    question = keras.Input((100,), dtype="int32", name="question")
    embedded_question = layers.Embedding(input_dim=10000, output_dim=256)(question)
    encoded_question = layers.LSTM(256)(embedded_question)
    merged = layers.concatenate([encoded_question, encoded_image])
    answer = layers.Dense(1000, activation="softmax", name="answer")(merged)
    return keras.Model({"image": image, "question": question}, {"answer": answer})


def video_qa() -> keras.Model:
    """A question about a video, from the parts of `vqa`; large, so build it without weights."""
    words = keras.Input((100,), dtype="int32")
    embedded_words = layers.Embedding(input_dim=10000, output_dim=256)(words)
    question_encoder = keras.Model(words, layers.LSTM(256)(embedded_words))

    video = keras.Input((100, 224, 224, 3), name="video")
    encoded_frames = layers.TimeDistributed(_vision_body())(video)
    encoded_video = layers.LSTM(256)(encoded_frames)
    question = keras.Input((100,), dtype="int32", name="question")
    merged = layers.concatenate([encoded_video, question_encoder(question)])
    answer = layers.Dense(1000, activation="softmax", name="answer")(merged)
    return keras.Model({"video": video, "question": question}, {"answer": answer})


def text_qa() -> keras.Model:
    """Two inputs of any length."""
    text = keras.Input((None,), dtype="int32", name="text")
    encoded_text = layers.LSTM(32)(layers.Embedding(10000, 64)(text))
    question = keras.Input((None,), dtype="int32", name="question")
    encoded_question = layers.LSTM(16)(layers.Embedding(10000, 32)(question))
    merged = layers.concatenate([encoded_text, encoded_question], axis=-1)
    answer = layers.Dense(500, activation="softmax", name="answer")(merged)
    return keras.Model({"text": text, "question": question}, {"answer": answer})


def profile() -> keras.Model:
    """One input, three outputs of different kinds."""
    posts = keras.Input((None,), dtype="int32", name="posts")
    x = layers.Embedding(50000, 256)(posts)
    x = layers.Conv1D(128, 5, activation="relu")(x)
    x = layers.MaxPooling1D(5)(x)
    x = layers.Conv1D(256, 5, activation="relu")(x)
    x = layers.MaxPooling1D(5)(x)
    x = layers.Conv1D(256, 5, activation="relu")(x)
    x = layers.GlobalMaxPooling1D()(x)
    x = layers.Dense(128, activation="relu")(x)
    age = layers.Dense(1, name="age")(x)
    income = layers.Dense(10, activation="softmax", name="income")(x)
    gender = layers.Dense(1, activation="sigmoid", name="gender")(x)
    return keras.Model({"posts": posts}, {"age": age, "income": income, "gender": gender})


def callbacks() -> keras.Model:
    """The small network that the callbacks steer."""
    features = keras.Input((64,), name="features")
    x = layers.Dense(32, activation="relu")(features)
    x = layers.Dense(32, activation="relu")(x)
    label = layers.Dense(10, activation="softmax", name="label")(x)
    return keras.Model({"features": features}, {"label": label})


def same_digit() -> keras.Model:
    """Two images go through one vision model; the product of their codes says whether the digits are the same."""
    digit = keras.Input((8, 8, 1), name="digit")
    x = layers.Rescaling(0.0625)(digit)
    x = layers.GaussianNoise(0.1)(x)
    x = layers.Conv2D(32, 3, padding="same", activation="relu")(x)
    x = layers.MaxPooling2D(2)(x)
    x = layers.Conv2D(64, 3, padding="same", activation="relu")(x)
    x = layers.Flatten()(x)
    x = layers.Dropout(0.5)(x)
    x = layers.Dense(64)(x)
    code = layers.BatchNormalization()(x)
    vision = keras.Model(digit, code, name="vision")

    digit_a = keras.Input((8, 8, 1), name="digit_a")
    digit_b = keras.Input((8, 8, 1), name="digit_b")
    x = layers.Multiply()([vision(digit_a), vision(digit_b)])
    x = layers.Dense(64, activation="relu")(x)
    same = layers.Dense(1, activation="sigmoid", name="same")(x)
    return keras.Model({"digit_a": digit_a, "digit_b": digit_b}, {"same": same})


ORACLES: dict[str, Callable[[], keras.Model]] = {
    "mlp": mlp,
    "model_as_layer_sequence": model_as_layer_sequence,
    "headline": headline,
    "tweets": tweets,
    "inception": inception,
    "residual": residual,
    "shared_vision": shared_vision,
    "same_digit": same_digit,
    "vqa": vqa,
    "video_qa": video_qa,
    "text_qa": text_qa,
    "profile": profile,
    "callbacks": callbacks,
}

TOO_LARGE = frozenset({"vqa", "video_qa"})
"""Seeds of some 160 million parameters and more: compared without weights."""

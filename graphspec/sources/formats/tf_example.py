"""Parser of the features of a `tf.train.Example`, by protobuf and without TensorFlow."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

Feature = Any
"""A message `tf.train.Feature`."""

Values = Any
"""The values of a feature: a list of bytes, or an array of float32 or int64."""

_DEFINITIONS = """
syntax: "proto3"
package: "tensorflow"
name: "example.proto"
message_type { name: "BytesList" field { name: "value" number: 1 label: LABEL_REPEATED type: TYPE_BYTES } }
message_type { name: "FloatList" field { name: "value" number: 1 label: LABEL_REPEATED type: TYPE_FLOAT } }
message_type { name: "Int64List" field { name: "value" number: 1 label: LABEL_REPEATED type: TYPE_INT64 } }
message_type {
  name: "Feature"
  field { name: "bytes_list" number: 1 type: TYPE_MESSAGE type_name: "BytesList" oneof_index: 0 }
  field { name: "float_list" number: 2 type: TYPE_MESSAGE type_name: "FloatList" oneof_index: 0 }
  field { name: "int64_list" number: 3 type: TYPE_MESSAGE type_name: "Int64List" oneof_index: 0 }
  oneof_decl { name: "kind" }
}
message_type {
  name: "Features"
  field { name: "feature" number: 1 label: LABEL_REPEATED type: TYPE_MESSAGE type_name: "Entry" }
  nested_type {
    name: "Entry"
    field { name: "key" number: 1 type: TYPE_STRING }
    field { name: "value" number: 2 type: TYPE_MESSAGE type_name: "Feature" }
    options { map_entry: true }
  }
}
message_type { name: "Example" field { name: "features" number: 1 type: TYPE_MESSAGE type_name: "Features" } }
"""


class MalformedError(ValueError):
    """An error for bytes that are not an Example."""


def parse_example(record: bytes) -> Mapping[str, Feature]:
    """Return the features of an Example by name; raise MalformedError if the record is not one."""
    parse, error_type = _parser()
    try:
        features: Mapping[str, Feature] = parse(record).features.feature
    except (error_type, ValueError) as error:
        raise MalformedError(str(error)) from None
    return features


def kind_of(feature: Feature) -> str | None:
    """Return `bytes_list`, `float_list` or `int64_list`; None if the feature has no values."""
    kind: str | None = feature.WhichOneof("kind")
    return kind


def values_of(feature: Feature, kind: str) -> Values:
    """Return the values of a feature of this kind."""
    values = getattr(feature, kind)
    if kind == "float_list":  # the values end the message; copied one by one, they take ten times as long
        values.DiscardUnknownFields()
        packed = values.SerializeToString()
        return array("f", packed[len(packed) - 4 * len(values.value) :])
    return array("q", values.value[:]) if kind == "int64_list" else list(values.value)


@cache
def _parser() -> tuple[Callable[[bytes], Any], type[Exception]]:
    """Return the parser of Examples, and the error that it raises."""
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format
    from google.protobuf.message import DecodeError

    pool = descriptor_pool.DescriptorPool()
    pool.Add(text_format.Parse(_DEFINITIONS, descriptor_pb2.FileDescriptorProto()))
    example = message_factory.GetMessageClass(pool.FindMessageTypeByName("tensorflow.Example"))
    return example.FromString, DecodeError

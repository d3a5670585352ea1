"""The features and targets of a table → the text of a first spec, with comments."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterator
from typing import Any

from graphspec.diagnostics import SourceText
from graphspec.editor.formatting import format_source
from graphspec.editor.formatting.scalars import is_plain, quoted, write_text
from graphspec.language.document.write_yaml import write_value
from graphspec.language.expand.literal import literal
from graphspec.starters.columns import Feature, shown
from graphspec.starters.prepared import Plan
from graphspec.starters.targets import Target

_ONE_HOT = 20
_SEPARATE = 20
"""Columns of words that get an input of their own; more share one."""
_TEXT_TOKENS = 1_000
_MAX_TOKENS = 1_000
_RESERVED = ("numbers", "scaled", "joined", "hidden", "categories")


def spec_text(name: str, file: str, plan: Plan, left_out: list[Feature], *, rows: int) -> str:
    """Return the text of a spec.

    Args:
        name: Its name.
        file: The table that it reads, as it names it.
        plan: The columns of that table.
        left_out: The columns that it does not read.
        rows: The number of rows with all targets.
    """
    writer = _Writer(plan, rows)
    text = "\n".join(writer.lines(name, file, left_out)) + "\n"
    return format_source(SourceText("spec.yaml", text))


class _Writer:
    def __init__(self, plan: Plan, rows: int) -> None:
        self.plan, self.rows = plan, rows
        self.taken = set(_RESERVED)
        self.outputs = {self._name(each.column.name, "target"): each for each in plan.targets}
        separate = len(plan.others) <= _SEPARATE
        texts = [each for each in plan.others.values() if each.role == "text"]
        self.own = list(plan.others.values()) if separate else texts[:_SEPARATE]
        self.joint = [] if separate else [each for each in plan.others.values() if each not in self.own]
        self.inputs = {self._name(each.name, "column"): each for each in self.own}
        self.nodes = {name: self._name(f"{name}_code", "code") for name in self.inputs}

    def lines(self, name: str, file: str, left_out: list[Feature]) -> Iterator[str]:
        """Yield the lines of the spec."""
        table = shown(self.plan.table.path.name, 80)
        yield f"# A first spec for {table}: edit it, train it, and compare what you try by `graphspec runs compare`."
        for change in self.plan.changes:
            yield f"# In {shown(file, 80)}: {change}."
        yield "graphspec: 1"
        yield f"name: {name}"
        yield ""
        for feature in left_out[:50]:
            yield f"# Left out: `{shown(feature.name)}`, since {feature.reason}."
        if len(left_out) > 50:
            yield f"# Left out: {len(left_out) - 50:,} more."
        yield "inputs:"
        if self.plan.numbers:
            yield f"  numbers: [{len(self.plan.numbers)}]  # {_count(len(self.plan.numbers), 'column')} of numbers"
        for input, feature in self.inputs.items():
            dtype = "int64" if feature.role == "classes" else "string"
            shape = "[]" if feature.role == "text" else "[1]"
            yield f"  {input}: {{shape: {shape}, dtype: {dtype}}}  # {self._about(feature)}"
        if self.joint:
            yield f"  categories: {{shape: [{len(self.joint)}], dtype: string}}  # words, with one vocabulary"
        yield ""
        yield from self._graph()
        yield ""
        yield "outputs:"
        for output, target in self.outputs.items():
            yield from self._output(output, target)
        yield ""
        yield from self._training()
        yield ""
        yield from self._data(file)

    def _about(self, feature: Feature) -> str:
        if feature.role == "text":
            return f"text of about {max(1, round(feature.scan.words_each))} words"
        return f"{feature.scan.different:,} different {'numbers' if feature.role == 'classes' else 'words'}"

    def _graph(self) -> Iterator[str]:
        yield "graph:"
        parts = []
        if self.plan.numbers:
            parts.append("scaled")
            yield "  # Brings each column to mean 0 and deviation 1, which it learns from the training rows."
            yield "  scaled: {from: numbers, apply: Normalization}"
        for input, feature in self.inputs.items():
            parts.append(self.nodes[input])
            yield from self._code(input, feature)
        if self.joint:
            parts.append("joined")
            words = min(_MAX_TOKENS, sum(each.scan.different for each in self.joint) + 2)
            yield "  joined:"
            yield "    from: categories"
            embedding = f"Embedding: {{input_dim: {words}, output_dim: 4}}"
            yield f"    apply: [{{StringLookup: {{max_tokens: {words}}}}}, {{{embedding}}}, Flatten]"
        yield "  hidden:"
        yield f"    from: [{', '.join(parts)}]" if len(parts) > 1 else f"    from: {parts[0]}"
        if len(parts) > 1:
            yield "    merge: concat  # all features side by side"
        yield "    apply:"
        units, layers, rate = self._size()
        for _ in range(layers):
            yield f"      - Dense: {{units: {units}, activation: relu}}"
            if rate:
                yield f"      - Dropout: {rate}  # against learning the rows by heart"

    def _code(self, input: str, feature: Feature) -> Iterator[str]:
        node, scan = self.nodes[input], feature.scan
        yield f"  {node}:"
        yield f"    from: {input}"
        if feature.role == "text":
            yield "    # Which of the most frequent words occur."
            bag = f"{{max_tokens: {_TEXT_TOKENS}, output_mode: multi_hot, pad_to_max_tokens: true}}"
            yield f"    apply: [{{TextVectorization: {bag}}}, {{Dense: {{units: 16, activation: relu}}}}]"
            return
        lookup = "IntegerLookup" if feature.role == "classes" else "StringLookup"
        tokens = min(_MAX_TOKENS, (_MAX_TOKENS if scan.has_many else scan.different) + 2)
        if tokens <= _ONE_HOT:
            yield "    # One number for each word, one of them 1, and one for words that it has not seen."
            yield f"    apply: {{{lookup}: {{max_tokens: {tokens}, output_mode: one_hot, pad_to_max_tokens: true}}}}"
        else:
            size = min(16, max(2, round(scan.different**0.4)))
            yield f"    # {size} numbers for each word, which are learnt."
            embedding = f"Embedding: {{input_dim: {tokens}, output_dim: {size}}}"
            yield f"    apply: [{{{lookup}: {{max_tokens: {tokens}}}}}, {{{embedding}}}, Flatten]"

    def _output(self, output: str, target: Target) -> Iterator[str]:
        yield f"  {output}:  # {target.about}"
        yield "    from: hidden"
        if target.kind in ("number", "skewed"):
            skewed = target.kind == "skewed"
            what = "the logarithm of the target plus 1" if skewed else "the target"
            yield f"    # The last layer begins with 0, so that the model begins with the mean of {what}."
            yield "    apply:"
            yield "      - Dense: {units: 1, kernel_initializer: zeros}"
            yield f"      - Rescaling: {{scale: {write_value(target.deviation)}, offset: {write_value(target.mean)}}}"
            if skewed:
                yield "      - ops.expm1"
            yield f"    loss: {'mean_squared_logarithmic_error' if skewed else 'mse'}"
            weight = float(f"{target.deviation**-2:.6g}")
            yield f"    loss_weight: {write_value(weight)}  # 1 / deviation², so that a loss of 1 is that of the mean"
            yield "    metrics: [mae]"
        elif target.kind == "binary":
            bias = math.log(target.share / (1 - target.share))
            yield f"    # It begins with the share of the rows that are `{shown(self._second(target), 20)}`."
            yield "    apply:"
            yield "      - Dense:"
            yield "          units: 1"
            yield "          activation: sigmoid"
            yield "          kernel_initializer: zeros"
            yield f"          bias_initializer: {{Constant: {write_value(float(f'{bias:.4g}'))}}}"
            yield "    loss: binary_crossentropy"
            yield "    metrics: [accuracy, AUC]"
        else:
            yield "    apply:"
            yield f"      - Dense: {{units: {target.classes}, activation: softmax, kernel_initializer: zeros}}"
            yield "    loss: sparse_categorical_crossentropy"
            yield "    metrics: [accuracy]"

    def _second(self, target: Target) -> str:
        return target.vocabulary[1] if isinstance(target.vocabulary, list) else "1"

    def _size(self) -> tuple[int, int, float]:
        """Return units, layers, and the rate of dropout, by the number of rows."""
        if self.rows < 100:
            return 8, 1, 0.0
        return (32, 1, 0.1) if self.rows < 1_000 else (64, 2, 0.1)

    def _training(self) -> Iterator[str]:
        batch = next(
            size for most, size in ((500, 16), (10_000, 32), (100_000, 128), (math.inf, 1024)) if self.rows < most
        )
        steps = max(1, self.rows * 4 // 5 // batch)
        epochs = min(100, max(5, 6_000 // steps))
        yield "training:"
        yield f"  optimizer: {{Adam: {'0.01' if self.rows < 1_000 else '0.003'}}}"
        yield f"  epochs: {epochs}  # at most: it stops before, see below"
        yield f"  batch_size: {batch}"
        yield "  callbacks:"
        yield "    # Stops where the rows held out get no better, and keeps the best weights."
        patience = 10 if self.rows < 10_000 else 3
        stopping = f"{{monitor: val_loss, patience: {patience}, restore_best_weights: true}}"
        yield f"    - EarlyStopping: {stopping}"

    def _data(self, file: str) -> Iterator[str]:
        yield "data:"
        yield "  train:"
        yield f"    file: {_text(file)}"
        yield "    inputs:"
        if self.plan.numbers:
            yield f"      numbers: {{columns: [{', '.join(map(_text, self.plan.numbers))}]}}"
        for input, feature in self.inputs.items():
            yield f"      {input}: {{column: {_text(feature.name)}}}"
        if self.joint:
            yield f"      categories: {{columns: [{', '.join(_text(each.name) for each in self.joint)}]}}"
        yield "    outputs:"
        for output, target in self.outputs.items():
            words: Any = target.vocabulary
            written = f", vocabulary: [{', '.join(_quoted(each) for each in words)}]" if isinstance(words, list) else ""
            written = ", vocabulary: auto" if words == "auto" else written
            yield f"      {output}: {{column: {_text(target.column.name)}{written}}}"
        yield "  validation: {split: 0.2}  # this share of the rows is held out"

    def _name(self, text: str, stem: str) -> str:
        """Return a name of the language for a column, and take it."""
        plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
        name = re.sub(r"[^A-Za-z0-9]+", "_", plain).strip("_")[:40] or stem
        name = name if name[0].isalpha() and is_plain(name) else f"{stem}_{name}"  # not `null`, not `yes`
        free, number = name, 2
        while free in self.taken:
            free, number = f"{name}_{number}", number + 1
        self.taken.add(free)
        return free


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _text(name: str) -> str:
    return write_text(literal(name))


def _quoted(text: str) -> str:
    return quoted(literal(text))

"""The files of a run of four epochs, and a reader of its page."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from graphspec import Run
from graphspec.runs.report import report_page

SPEC = """
graphspec: 1
name: shop
inputs: {x: [3]}
layers: {trunk: {Dense: {units: 4, activation: relu}}}
graph: {a: {from: x, apply: trunk}, b: {from: a, apply: [{Dense: 3}, trunk_two]}}
models:
  trunk_two:
    inputs: {h: [3]}
    outputs: {o: {from: h, apply: {Dense: 4}}}
outputs:
  kind: {from: b, apply: {Dense: {units: 3, activation: softmax}}, loss: sparse_categorical_crossentropy}
  size: {from: b, apply: {Dense: 2}, loss: mse}
  sold: {from: a, apply: {Dense: {units: 1, activation: sigmoid}}, loss: binary_crossentropy}
training: {optimizer: adam, epochs: 4, batch_size: 8}
data:
  train:
    inputs: {x: {file: x.npy}}
    outputs:
      kind: {file: t.csv, column: kind, vocabulary: [hat, "<b>shoe</b>", coat]}
      size: {file: t.csv, columns: [w, h]}
      sold: {file: t.csv, column: sold}
  validation: {split: 0.5}
"""
WORDS = ("hat", "<b>shoe</b>", "coat")
EVIL = "</script><script>alert(1)</script><img src=http://example.invalid/x onerror=alert(2)>"


def row(epoch: int, **more: Any) -> dict[str, Any]:
    losses = {"kind_loss": 1 / (epoch + 1), "size_loss": 2 / (epoch + 1), "sold_loss": 0.5}
    total = sum(losses.values())
    return {
        "epoch": epoch,
        "step": 10 * (epoch + 1),
        "loss": total,
        **losses,
        "val_loss": total * 1.1,
        **{f"val_{name}": value * 1.1 for name, value in losses.items()},
        "optimizer/learning_rate": 0.001,
        **{f"share/{name.removesuffix('_loss')}": value / total for name, value in losses.items()},
        "time/seconds": 1.5,
        "time/samples_per_second": 800.0,
        "time/data_wait": 0.1,
        **more,
    }


def write_rows(run: Path, rows: list[dict[str, Any]]) -> None:
    (run / "metrics.jsonl").write_text("".join(json.dumps(each) + "\n" for each in rows), encoding="utf-8")


def write_record(run: Path, **more: Any) -> None:
    record = {
        "status": "finished",
        "name": "shop",
        "started": "2026-05-04T10:20:30+0000",
        "seconds": 75.2,
        "samples": {"train": 30, "validation": 30},
        "best": {"epoch": 2, "monitor": "val_loss", "value": 0.25},
        **more,
    }
    (run / "run.json").write_text(json.dumps(record), encoding="utf-8")


class Reader(HTMLParser):
    """Collects the elements of a page with their attributes, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def all(self, tag: str, class_: str = "") -> list[dict[str, str | None]]:
        return [found for name, found in self.elements if name == tag and class_ in (found.get("class") or "")]

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())


def read(run: Path) -> Reader:
    return Reader(report_page(Run(run)))


def charts(page: Reader) -> list[dict[str, Any]]:
    """What each chart tells the script."""
    return [json.loads(found["data-chart"] or "") for found in page.all("svg", "plot curves")]

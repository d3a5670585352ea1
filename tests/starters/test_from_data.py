"""`graphspec new DIR --from-data TABLE`: any table ends in a spec that trains, or in a finding that says what to do."""

from __future__ import annotations

import csv
import io
import math
import os
import random
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st

import graphspec
from graphspec.cli import main
from graphspec.datasets.samples import read_training_data
from graphspec.spec import Spec, inspect

RANDOM = random.Random(1)
ROWS = 60


def table(names: list[str], rows: list[list[Any]], delimiter: str = ",") -> str:
    """A table as CSV."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\n")
    writer.writerow(names)
    writer.writerows(rows)
    return text.getvalue()


def plain(names: list[str], delimiter: str = ",") -> str:
    """A table of a number, a word, and a large number."""
    rows = [[RANDOM.random(), RANDOM.choice("abc"), RANDOM.random() * 1e6] for _ in range(ROWS)]
    return table(names, rows, delimiter)


def column(make: Any, target: Any = None) -> str:
    """A table of a column `a`, a number `x`, and a target `y`; each is made from the number of the row."""
    target = target or (lambda number: number % 2)
    return table(["a", "x", "y"], [[make(number), RANDOM.random(), target(number)] for number in range(ROWS)])


def wide(count: int, make: Any) -> str:
    """A table of many columns of one kind, and a target `y`."""
    return table([*(f"c{n}" for n in range(count)), "y"], [[*(make() for _ in range(count)), i % 2] for i in range(40)])


def new(folder: Path, text: str | bytes, *targets: str, name: str = "t.csv") -> Result:
    """The command on a table of this text."""
    (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    words = [word for each in targets for word in ("--target", each)]
    return CliRunner().invoke(main, ["new", str(folder / "out"), "--from-data", str(folder / name), *words])


def started(folder: Path, text: str | bytes, *targets: str) -> Spec:
    """The spec for a table of this text, which has no findings, in its data neither, and is formatted."""
    done = new(folder, text, *targets)
    assert done.exit_code == 0, done.output
    path = folder / "out" / "spec.yaml"
    spec, report = inspect(path, data=True, values=True)
    assert spec is not None, str(report.errors)
    assert len(report) == 0, [each.message for each in report]
    assert CliRunner().invoke(main, ["fmt", "--check", str(path)]).exit_code == 0
    assert sorted(each.name for each in folder.iterdir()) == ["out", "t.csv"]
    return spec


def layers(spec: Spec) -> set[str]:
    """The classes of the layers of a spec."""
    return {layer.class_name for layer in spec.graph.called_layers()}


TABLES: dict[str, tuple[str, str]] = {
    "large numbers": (plain(["x", "kind", "price"]), "price"),
    "semicolons": (plain(["x", "kind", "price"], ";"), "price"),
    "tabs": (plain(["x", "kind", "price"], "\t"), "price"),
    "spaces and signs": (plain(["x a", "k.b", "my price ${x} #1: yes"]), "my price ${x} #1: yes"),
    "words of YAML": (plain(["yes", "null", "no"]), "no"),
    "unicode": (plain(["größe", "名前", "цена"]), "цена"),
    "no names": (plain(["", "", "y"]), "y"),
    "duplicate names": (plain(["x", "x", "y"]), "y"),
    "alike names": (plain(["a b", "a-b", "a.b"]), "a.b"),
    "names of the spec": (plain(["numbers", "scaled", "hidden"]), "hidden"),
    "control characters": (plain(["a\x07b", "x\ny", "y"]), "y"),
    "expressions": (column(lambda _: RANDOM.choice(["${x}", "$${z}", "y"]), lambda n: ["${p}", "q"][n % 2]), "y"),
    "commas and quotes": (column(lambda n: f'a, "b" and\nc {n} word{n % 7} more'), "y"),
    "empty column": (column(lambda _: ""), "y"),
    "gaps": (column(lambda n: "NA" if n % 4 == 0 else n * 0.5), "y"),
    "gaps of words": (column(lambda n: ["", "u", "v"][n % 3]), "y"),
    "infinities": (column(lambda n: ["inf", "1", "2.5", "-Infinity"][n % 4]), "y"),
    "beyond float32": (column(lambda n: n * 1e300), "y"),
    "dates": (column(lambda n: f"2024-{1 + n % 12:02}-{1 + n % 28:02}"), "y"),
    "booleans": (column(lambda n: ["true", "false"][n % 2]), "y"),
    "rare class": (column(lambda n: n * 0.1, lambda n: int(n == 7)), "y"),
    "classes 1 and 2": (column(lambda n: n * 0.1, lambda n: 1 + n % 2), "y"),
    "classes as decimals": (column(lambda n: n * 0.1, lambda n: ["0.0", "1.0"][n % 2]), "y"),
    "classes with commas": (table(["x", "y"], [[f"{n},5", f"{n % 2},0"] for n in range(ROWS)], ";"), "y"),
    "many classes": (column(lambda n: n * 0.1, lambda n: f"c{n % 25}"), "y"),
    "skewed target": (column(lambda n: n * 0.1, lambda n: math.exp(n / 4)), "y"),
    "target with gaps": (column(lambda n: n * 0.1, lambda n: "" if n % 5 == 0 else n % 2), "y"),
    "many columns": (wide(2_000, lambda: round(RANDOM.random(), 3)), "y"),
    "many columns of words": (wide(90, lambda: RANDOM.choice("abc")), "y"),
    "comments that ignore": (column(float, lambda n: ["# graphspec: ignore[GS3]", "graphspec:ignore"][n % 2]), "y"),
    "NUL as a class": (column(float, lambda n: ["a\0b", "c"][n % 2]), "y"),
    "a column that counts": (table(["x", "y"], [[n, 2 * n + 1] for n in range(ROWS)]), "y"),
    "carriage returns": (plain(["x", "kind", "price"]).replace("\n", "\r\n"), "price"),
}  # fmt: skip


@pytest.mark.parametrize("name", TABLES)
def test_a_table_gives_a_spec_without_findings(name: str, tmp_path: Path) -> None:
    """Whatever names and cells a table has, `validate --data` has nothing to say of its spec."""
    started(tmp_path, *TABLES[name])


NUMBERS = st.integers(-5, 2000) | st.floats(width=32) | st.sampled_from([0, 1, 1e30, -1e-30])
CELLS: list[st.SearchStrategy[str]] = [
    NUMBERS.map(str),
    st.integers(0, 3).map(str),
    st.integers(0, 10**7).map("{:,}".format),
    st.decimals(-10_000, 10_000, places=2).map(lambda each: f"{each}".replace(".", ",")),
    st.decimals(-10_000, 10_000, places=2).map("{:.1e}".format),
    st.dates().map(str),
    st.sampled_from(["", "NA", "-", "?", " ", "nan", "inf", "-Infinity"]),
    st.sampled_from(["true", "False", "yes", "no", "on", "null", "~"]),
    st.sampled_from(["0,5", "1.234,5", "1,234.5", "1_000", "$5", "12 %", "0x10", "1e400", "٣", "½"]),
    st.text(max_size=6),
    st.sampled_from(["a", "b", "c d e f"]),
]
NAMES = st.sampled_from(["a", "b", "c", "price", "id", "numbers", "from"]) | st.text(min_size=1, max_size=5)


@st.composite
def tables(draw: st.DrawFn) -> tuple[str, str]:
    """Draw a table with any delimiter, whose columns hold one or two kinds of cells, and the name of its target."""
    count = draw(st.integers(10, 40))
    names = draw(st.lists(NAMES, min_size=2, max_size=4))
    kinds = [draw(st.lists(st.sampled_from(CELLS), min_size=1, max_size=2)) for _ in names]
    columns = [draw(st.lists(st.one_of(kind), min_size=count, max_size=count)) for kind in kinds]
    rows = list(map(list, zip(*columns, strict=True)))
    return table(names, rows, draw(st.sampled_from(",;\t|"))), draw(st.sampled_from(names))


@settings(max_examples=int(os.environ.get("EXAMPLES", "60")), deadline=None)
@given(drawn=tables())
def test_any_table_gives_a_spec_or_a_finding(drawn: tuple[str, str]) -> None:
    """Nothing that a table holds ends in an error of graphspec, or in a spec that does not fit it."""
    with tempfile.TemporaryDirectory() as folder:
        done = new(Path(folder), drawn[0].encode("utf-8", "replace"), drawn[1])
        assert "GS902" not in done.output, done.output
        assert done.exit_code in (0, 1), done.output
        path = Path(folder) / "out" / "spec.yaml"
        assert path.exists() == (done.exit_code == 0)
        if path.exists():
            report = inspect(path, data=True, values=True)[1]
            assert not report.errors, [each.message for each in report.errors]


REFUSED: dict[str, tuple[str | bytes, str, str, str]] = {
    "empty": ("", "y", "GS602", "it is empty"),
    "header alone": ("a,y\n", "y", "GS602", "it has no rows"),
    "one row": ("a,y\n1,2\n", "y", "GS602", "it has 1 row"),
    "no such column": (plain(["x", "k", "price"]), "pric", "GS603", "did you mean `price`?"),
    "one class": (column(float, lambda _: "x"), "y", "GS602", "is `x` in every row"),
    "empty target": (column(float, lambda _: ""), "y", "GS602", "the target `y` is empty"),
    "target of names": (column(float, lambda n: f"name {n}"), "y", "GS602", "60 different texts"),
    "target of dates": (column(float, lambda n: f"2024-01-{1 + n % 28:02}"), "y", "GS602", "holds dates"),
    "target beyond float32": (column(float, lambda n: n * 1e300), "y", "GS602", "float32"),
    "tiny target": (column(lambda n: n * 0.1, lambda n: n * 1e-22), "y", "GS602", "too small for float32"),
    "huge target": (column(lambda n: n * 0.1, lambda n: (n - 30) * 1e25), "y", "GS602", "too large for float32"),
    "target alone": (table(["y"], [[n] for n in range(ROWS)]), "y", "GS602", "no column to predict from"),
    "identifiers alone": (table(["id", "y"], [[n, n % 2] for n in range(ROWS)]), "y", "GS602", "it counts the rows"),
    "signs": (table(["a", "y"], [[f"$1,{n:03}", n % 2] for n in range(ROWS)]), "y", "GS602", "write plain numbers"),
    "ragged": ("a,y\n1,2\n3\n", "y", "GS602", "line 3 has 1 fields"),
    "open quote": ('a,y\n"1,2\n3,4\n' * 5, "y", "GS602", "cannot be read"),
    "bytes": (b"a,y\n\x00\xff,1\n" * 20, "y", "GS602", "not UTF-8"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_table_of_no_use_is_a_finding(name: str, tmp_path: Path) -> None:
    """The finding says what is wrong and what to do, and nothing is written."""
    text, target, code, said = REFUSED[name]
    done = new(tmp_path, text, target)
    assert done.exit_code == 1
    assert code in done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.output
    assert [each.name for each in tmp_path.iterdir()] == ["t.csv"]


def test_columns_become_layers_by_their_kind(tmp_path: Path) -> None:
    """Numbers are normalised, few whole numbers and words looked up, texts vectorised, identifiers left out."""
    rows = [
        [
            n,
            n * 0.37,
            n % 5,
            "red blue"[n % 2 :],
            f"some words that {n} vary {n * 7}",
            f"{n:x}-{n * 9999:x}",
            "same",
            n % 3,
        ]
        for n in range(ROWS)
    ]
    text = table(["id", "size", "rooms", "colour", "note", "code", "constant", "y"], rows)
    spec = started(tmp_path, text, "y")
    assert {"Normalization", "IntegerLookup", "StringLookup", "TextVectorization"} <= layers(spec)
    written = (tmp_path / "out" / "spec.yaml").read_text(encoding="utf-8")
    for name, reason in (("id", "counts the rows"), ("code", "identifiers"), ("constant", "one value")):
        assert any(f"`{name}`" in line and reason in line for line in written.splitlines()), name
    assert spec.graph.outputs["y"].loss is not None
    assert spec.graph.outputs["y"].loss.name == "sparse_categorical_crossentropy"


def test_gaps_are_filled_and_marked(tmp_path: Path) -> None:
    """A number that is missing is filled in a copy of the table, and a column tells where."""
    started(tmp_path, column(lambda n: "" if n % 3 == 0 else n), "y")
    with open(tmp_path / "out" / "data.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == ROWS
    assert [row["a is missing"] for row in rows[:4]] == ["1", "0", "0", "1"]
    assert rows[1]["a"] == "1"
    assert rows[0]["a"] == rows[3]["a"]


@pytest.mark.parametrize(
    ("delimiter", "written"),
    [
        (";", ["1,5", "-1.234,25", "1.234.567,5", "1.000.000"]),
        ("\t", ["1.5", "-1234,25", "1.234.567,5", "1e6"]),
        (",", ['"1.5"', '"-1,234.25"', '"1,234,567.5"', '"1,000,000"']),
    ],
)
def test_numbers_with_separators_are_numbers(delimiter: str, written: list[str], tmp_path: Path) -> None:
    """Thousands may be apart, and where commas are no delimiters, they may stand for points."""
    rows = [f"{each}{delimiter}{each}" for each in written * 5]
    started(tmp_path, "\n".join([f"x{delimiter}y", *rows, ""]), "y")
    with open(tmp_path / "out" / "data.csv", encoding="utf-8", newline="") as file:
        read = [tuple(map(float, row.values())) for row in csv.DictReader(file)]
    assert read == [(each, each) for each in (1.5, -1234.25, 1234567.5, 1e6)] * 5
    signs = "no commas" if delimiter == "," else "decimal points"
    assert f"the numbers of `x`, `y` are written with {signs}" in (tmp_path / "out" / "spec.yaml").read_text("utf-8")


def test_parquet_is_read(tmp_path: Path) -> None:
    """A Parquet file with nulls, booleans and dates is written as CSV beside its spec."""
    import datetime

    import pyarrow as pa
    import pyarrow.parquet as pq

    days = [datetime.date(2024, 1, 1 + n % 28) for n in range(ROWS)]
    columns = {
        "x": [None if n % 7 == 0 else n * 0.5 for n in range(ROWS)],
        "flag": [n % 3 == 0 for n in range(ROWS)],
        "day": days,
        "y": [n * 2.0 for n in range(ROWS)],
    }
    pq.write_table(pa.table(columns), tmp_path / "t.parquet")
    arguments = ["new", str(tmp_path / "out"), "--from-data", str(tmp_path / "t.parquet"), "--target", "y"]
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 0, done.output
    spec, report = inspect(tmp_path / "out" / "spec.yaml", data=True, values=True)
    assert spec is not None
    assert len(report) == 0
    (tmp_path / "t.parquet").write_bytes(b"PAR1 no")
    arguments[1] = str(tmp_path / "other")
    done = CliRunner().invoke(main, arguments)
    assert (done.exit_code, "GS602" in done.stderr) == (1, True), done.output


def test_a_path_that_would_be_a_pattern_is_copied(tmp_path: Path) -> None:
    """A spec would take `t[1].csv` for a pattern of names."""
    done = new(tmp_path, plain(["x", "kind", "price"]), "price", name="t[1]*.csv")
    assert done.exit_code == 0, done.output
    assert (tmp_path / "out" / "data.csv").is_file()


def test_the_folder_may_be_a_link(tmp_path: Path) -> None:
    """A spec that is written through a link names its table from where the spec really lies."""
    place = tmp_path / "place"
    for folder in (place, tmp_path / "far" / "away"):
        folder.mkdir(parents=True)
    (place / "out").symlink_to(tmp_path / "far" / "away")
    started(place, plain(["x", "kind", "price"]), "price")


def test_the_table_may_lie_in_the_folder(tmp_path: Path) -> None:
    """A table called `data.csv` is read where it lies; where it would have to be copied, nothing is written."""
    for text, status in ((plain(["x", "kind", "y"]), 0), (plain(["x", "kind", "y"], ";"), 1)):
        (tmp_path / "spec.yaml").unlink(missing_ok=True)
        (tmp_path / "data.csv").write_text(text, encoding="utf-8")
        words = ["new", str(tmp_path), "--from-data", str(tmp_path / "data.csv"), "--target", "y"]
        assert CliRunner().invoke(main, words).exit_code == status
        assert (tmp_path / "data.csv").read_text(encoding="utf-8") == text
        assert (tmp_path / "spec.yaml").exists() == (status == 0)


def test_nothing_is_replaced(tmp_path: Path) -> None:
    """A folder with a spec keeps it; one with other files gets the new ones beside them."""
    text = plain(["x", "kind", "price"])
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "notes.txt").write_text("mine", encoding="utf-8")
    assert new(tmp_path, text, "price").exit_code == 0
    assert sorted(each.name for each in (tmp_path / "out").iterdir()) == ["notes.txt", "spec.yaml"]
    done = new(tmp_path, text, "price")
    assert done.exit_code == 1
    assert "GS904" in done.stderr
    assert "spec.yaml is there already" in done.stderr


def test_what_comes_meanwhile_is_not_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail the second of two processes that write into one folder at once, and keep the files of the first."""
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "spec.yaml").write_text("theirs", encoding="utf-8")
    monkeypatch.setattr("graphspec.starters.folder.is_there", lambda path: False)
    done = new(tmp_path, plain(["x", "kind", "price"]), "price")
    assert done.exit_code == 1
    assert "GS904" in done.stderr
    assert [each.name for each in (tmp_path / "out").iterdir()] == ["spec.yaml"]
    assert (tmp_path / "out" / "spec.yaml").read_text(encoding="utf-8") == "theirs"


def test_usage_is_explained(tmp_path: Path) -> None:
    """Options that do not go together are wrong usage."""
    for words in (["out", "--from-data", "t.csv"], ["out", "--target", "y"], []):
        assert CliRunner().invoke(main, ["new", *words]).exit_code == 2


# --- Real tables, trained without an edit -----------------------------------------------------------------------


def real(name: str) -> tuple[str, list[str]]:
    """A table that scikit-learn bundles, and its targets."""
    datasets = pytest.importorskip("sklearn.datasets")
    bundle = getattr(datasets, f"load_{name}")()
    several = bundle.target.ndim == 2
    targets = list(bundle.target_names) if several else ["target"]
    rows = [
        [*map(float, features), *(float(each) if each % 1 else int(each) for each in np.atleast_1d(target))]
        for features, target in zip(bundle.data, bundle.target, strict=True)
    ]
    return table([*bundle.feature_names, *targets], rows), targets


def constant_losses(spec: Spec, name: str) -> tuple[float, float]:
    """The loss and the metric, on the rows held out, of the best constant of the rows trained on."""
    data = read_training_data(spec)
    assert data.validation is not None
    train, held = (
        np.asarray(each.batch(each.outputs[name], np.arange(each.count))).reshape(-1)
        for each in (data.train, data.validation)
    )
    loss = spec.graph.outputs[name].loss
    assert loss is not None
    if loss.name == "mse":
        return float(np.mean((held - train.mean()) ** 2)), float(np.mean(np.abs(held - train.mean())))
    shares = np.bincount(train.astype(int), minlength=int(max(train.max(), held.max())) + 1) / len(train)
    return float(-np.mean(np.log(shares[held.astype(int)]))), float(np.mean(held == shares.argmax()))


@pytest.mark.parametrize(
    "name",
    [
        "iris",
        *(pytest.param(each, marks=pytest.mark.slow) for each in ("wine", "breast_cancer", "diabetes", "linnerud")),
    ],
)
def test_real_tables_beat_the_constant(name: str, tmp_path: Path) -> None:
    """On the rows held out, the model is better than the best constant, in loss and in accuracy or error."""
    text, targets = real(name)
    spec = started(tmp_path, text, *targets)
    run = graphspec.train(spec, run_dir=tmp_path / "run", progress=False)
    best = min(run.metrics, key=lambda row: row["val_loss"])
    for output in spec.graph.outputs:
        loss, metric = constant_losses(spec, output)
        prefix = f"val_{output}_" if len(targets) > 1 else "val_"
        weight = spec.graph.outputs[output].loss_weight if len(targets) == 1 else 1.0  # the loss is then the total
        assert best[f"{prefix}loss"] / weight < loss
        if f"{prefix}accuracy" in best:
            assert best[f"{prefix}accuracy"] > metric
        else:
            assert best[f"{prefix}mae"] < metric

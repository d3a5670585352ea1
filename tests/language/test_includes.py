"""`include`: files with variables and declarations of their own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import graphspec

from .specs import codes

Write = Callable[..., Path]


def test_included_files_keep_their_own_variables(write: Write, tmp_path: Path) -> None:
    """A library means the same wherever it is included; its variables, layers, models and blocks become visible."""
    (tmp_path / "lib").mkdir()
    write("graphspec: 1\nvars: {rate: 0.5}\n", "lib/base.yaml")
    library = write(
        """
        graphspec: 1
        include: base.yaml
        vars: {units: 6}
        layers: {shared: {Dense: "${units}"}}
        models: {twice: {inputs: {v: [6]}, outputs: {w: {from: v, apply: [shared, {Dropout: "${rate}"}]}}}}
        blocks: {wide: {params: {times: 2}, inputs: x, output: {from: x, apply: {Dense: "${units * times}"}}}}
        """,
        "lib/all.yaml",
    )
    path = write(
        """
        graphspec: 1
        include: [lib/all.yaml]
        vars: {times: 100}
        inputs: {x: [6]}
        graph: {a: {from: x, apply: [shared, twice]}}
        outputs: {y: {from: a, apply: {wide: 3}}, z: {from: a, apply: {Dense: "${units}"}}}
        """
    )
    model = graphspec.build(path)
    assert model.get_layer("y__output").units == 18
    assert model.get_layer("z").units == 6
    assert model.get_layer("twice").get_layer("w").rate == 0.5
    assert model.get_layer("shared") is model.get_layer("twice").get_layer("shared")
    assert codes(library) == []


@pytest.mark.parametrize(
    ("files", "found"),
    [
        ({"a.yaml": "include: [b.yaml]", "b.yaml": "include: [a.yaml]"}, ["GS112"]),
        ({"a.yaml": "include: [missing.yaml]"}, ["GS001"]),
        ({"a.yaml": "include: 3"}, ["GS103"]),
        ({"a.yaml": "include: [b.yaml]", "b.yaml": "layers: {d: {Dens: 2}}"}, ["GS201"]),
        (
            {"a.yaml": "include: [b.yaml, c.yaml]", "b.yaml": "layers: {d: {Dense: 2}}", "c.yaml": "blocks: {d: 3}"},
            ["GS112"],
        ),
        ({"a.yaml": "include: [b.yaml]", "b.yaml": "layers: [1"}, ["GS002"]),
        ({"a.yaml": "include: [b.yaml]\nvars: {u: 1}", "b.yaml": "vars: {u: 2}"}, ["GS112"]),
    ],
)
def test_faulty_includes_are_findings(write: Write, files: dict[str, str], found: list[str]) -> None:
    """Circles, missing and broken files, and clashes are each found once, where they stand."""
    for name, text in files.items():
        body = "inputs: {x: [2]}\noutputs: {y: {from: x, apply: {Dense: 1}}}\n" if name == "a.yaml" else ""
        write(f"graphspec: 1\n{text}\n{body}", name)
    assert codes(write("", "unused.yaml").parent / "a.yaml") == found


def test_run_keeps_spec_and_libraries(write: Write, tmp_path: Path) -> None:
    """The spec of a run trains again though the included file has changed since."""
    np.save(tmp_path / "x.npy", np.zeros((4, 2)))
    library = write(
        "graphspec: 1\nvars: {units: 3}\nblocks: {d: {inputs: x, output: {from: x, apply: {Dense: '${units}'}}}}\n",
        "lib.yaml",
    )
    path = write(
        """
        graphspec: 1
        include: [lib.yaml]
        vars: {file: x}
        inputs: {x: [2]}
        outputs: {y: {from: x, apply: [d, {Dense: 2}], loss: mse}}
        training: {optimizer: sgd}
        data: {train: {inputs: {x: "${file}.npy"}, outputs: {y: x.npy}}}
        """
    )
    run = graphspec.train(path, run_dir=tmp_path / "runs" / "one")
    library.unlink()
    assert run.predict("train")["y"].shape == (4, 2)
    assert graphspec.train(run.path / "spec.yaml", run_dir=tmp_path / "two").history == run.history


@pytest.mark.parametrize("count", [100, 101])
def test_a_hundred_files_may_be_included(write: Write, count: int) -> None:
    """A spec may include a hundred files, each of which is read once; one more is refused by name of the number."""
    for number in range(count):
        write(f"graphspec: 1\nvars: {{v{number}: {number}}}\n", f"lib{number}.yaml")
    twice = [f"lib{number}.yaml" for number in (*range(count), 0)]
    path = write(
        f"""
        graphspec: 1
        include: [{", ".join(twice)}]
        inputs: {{x: [4]}}
        outputs: {{y: {{from: x, apply: {{Dense: "${{v99}}"}}}}}}
        """
    )
    found = [(each.rule.code, each.message) for each in graphspec.validate(path)]
    assert found == ([] if count == 100 else [("GS112", "more than 100 files are included")])


@pytest.mark.parametrize(
    ("spec", "found"),
    [
        ("vars: {d: 1}", []),
        ("layers: {a: {Dense: 2}}", ["`a` is declared here and in an included file"]),
        ("models: {b: {inputs: {i: [2]}, outputs: {o: i}}}", ["`b` is declared here and in an included file"]),
        ("blocks: {c: {inputs: i, output: i}}", ["`c` is declared here and in an included file"]),
        ("vars: {e: 1}", ["`e` is declared here and in an included file"]),
        ("layers: {e: {Dense: 2}}", []),
    ],
)
def test_names_of_included_files_are_not_declared_again(write: Write, spec: str, found: list[str]) -> None:
    """Layers, models and blocks share their names with those of included files, variables theirs with variables."""
    write(
        """
        graphspec: 1
        vars: {e: 3}
        layers: {a: {Dense: 2}}
        models: {b: {inputs: {i: [2]}, outputs: {o: i}}}
        blocks: {c: {inputs: i, output: i}}
        """,
        "lib.yaml",
    )
    path = write(f"graphspec: 1\ninclude: lib.yaml\n{spec}\ninputs: {{x: [2]}}\noutputs: {{y: x}}\n")
    report = graphspec.validate(path)
    assert [each.message for each in report if each.is_error] == found


def test_two_included_files_that_declare_one_name_clash_at_the_include(write: Write) -> None:
    """A name of two included files is a finding at `include`; a file that both of them include is none."""
    write("graphspec: 1\nlayers: {d: {Dense: 2}}\n", "base.yaml")
    write("graphspec: 1\ninclude: base.yaml\nlayers: {e: {Dense: 2}}\n", "one.yaml")
    write("graphspec: 1\ninclude: base.yaml\nlayers: {f: {Dense: 2}}\n", "two.yaml")
    path = write("graphspec: 1\ninclude: [one.yaml, two.yaml]\ninputs: {x: [2]}\noutputs: {y: {from: x, apply: d}}\n")
    assert codes(path) == []
    write("graphspec: 1\nlayers: {e: {Dense: 2}}\n", "two.yaml")
    (found,) = graphspec.validate(path)
    assert found.message == "`e` is declared in two included files"
    assert [found.span.line, *(Path(label.span.source.name).name for label in found.labels)] == [2, "one.yaml"]  # type: ignore[union-attr]


def test_finding_shows_where_its_variables_are_set(write: Write) -> None:
    """A value that is wrong because a variable is wrong shows the variable, its value, and the parameter of a block."""
    library = write("graphspec: 1\nvars: {wide: -3}\nlayers: {d: {Dense: '${wide}'}}\n", "lib.yaml")
    path = write(
        """
        graphspec: 1
        vars:
          rate: 3
          no: true
          long: a123456789a123456789a123456789a123456789X
          exact: z123456789z123456789z123456789z123456789
        blocks:
          part: {params: {units: -5, other: }, inputs: x, output: {from: x, apply: {Dense: '${units + other}'}}}
        inputs: {x: [4]}
        graph:
          a: {from: x, apply: {Dropout: '${rate}'}}
          b: {from: a, apply: {part: {other: 1}}}
          c: {from: b, apply: [{Dense: {units: 3, activation: '${long}'}}, {Dense: {units: 3, activation: '${exact}'}}]}
          d: {from: c, apply: {Dense: {units: 3, activation: '${no}'}}}
        outputs: {y: d}
        """
    )
    labels = {label.text for each in graphspec.validate(path) for label in each.labels}
    assert labels >= {
        "`rate` is 3",
        "`no` is true",
        "`units` is a parameter, -5 by default",
        "`other` is a parameter",
        "`long` is a123456789a123456789a123456789a123456789...",
        "`exact` is z123456789z123456789z123456789z123456789",
    }
    assert [each.labels[-1].text for each in graphspec.validate(library)] == ["`wide` is -3"]

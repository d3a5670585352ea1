"""The drawing of a graph: what it shows, where things stand, and that nothing in a spec breaks it."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import combinations, pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

import graphspec
from graphspec.drawing import Diagram, diagrams, draw, lay_out

ROOT = Path(__file__).parents[2]
Write = Callable[..., Path]
SVG = "{http://www.w3.org/2000/svg}"


def of(path: Path) -> list[Diagram]:
    return diagrams(graphspec.load(path).graph)


def texts(diagram: Diagram) -> list[str]:
    """Every text that the drawing of `diagram` shows, which is well-formed XML."""
    return [each.text or "" for each in ElementTree.fromstring(draw(diagram)).iter(f"{SVG}text")]


def test_a_box_for_each_name_of_the_spec_with_layers_and_shapes() -> None:
    """Inputs and nodes bear the names of the spec; each layer stands with the shape it gives."""
    main, vision = of(ROOT / "specs/same_digit.yaml")
    assert [box.title for box in main.boxes] == ["digit_a", "digit_b", "code_a", "code_b", "same"]
    shown = texts(main)
    assert shown[:3] == ["digit_a", "Input", "(batch, 8, 8, 1)"]
    assert shown.count("(batch, 64)") == 4
    assert [line.layer for line in vision.boxes[1].lines][:3] == ["Rescaling", "GaussianNoise", "Conv2D"]
    assert {(arrow.start, arrow.end) for arrow in main.arrows} == {
        ("digit_a", "code_a"),
        ("digit_b", "code_b"),
        ("code_a", "same"),
        ("code_b", "same"),
    }


def test_shared_layers_bear_one_mark() -> None:
    """The two calls of a shared layer show the same letter, which the diagram explains."""
    (tweets,) = of(ROOT / "specs/tweets.yaml")
    assert tweets.shared == {"A": "shared_lstm (LSTM), called 2 times"}
    assert [line.mark for box in tweets.boxes for line in box.lines].count("A") == 2


def test_what_blocks_make_of_a_node_is_one_box() -> None:
    """A node that uses a block is drawn as the spec has it: one box, all its layers, none of lowering's names."""
    (unet,) = of(ROOT / "specs/zoo/unet.yaml")
    titles = [box.title for box in unet.boxes]
    assert titles[:4] == ["image", "down_1", "down_2", "down_3"]
    assert [line.layer for line in unet.boxes[2].lines] == ["MaxPooling2D", "Conv2D", "Conv2D"]
    assert not any("@" in text for text in texts(unet))


@pytest.mark.parametrize("path", sorted(ROOT.glob("specs/**/*.yaml")), ids=lambda path: path.stem)
def test_every_shipped_spec_is_drawn(path: Path) -> None:
    """Each drawing is well-formed XML, has every output, and every arrow joins two of its boxes."""
    spec = graphspec.load(path)
    for diagram in diagrams(spec.graph):
        assert texts(diagram)
        keys = {box.key for box in diagram.boxes}
        assert all({arrow.start, arrow.end} <= keys for arrow in diagram.arrows)
    main = diagrams(spec.graph)[0]
    assert {box.title for box in main.boxes if box.kind == "output"} == set(spec.graph.outputs)


def test_a_node_without_layers_that_is_an_output_keeps_its_box(write: Write) -> None:
    """Another name for a tensor is drawn where the model returns it, and not where it is a mere name."""
    path = write(
        """
        graphspec: 1
        inputs: {x: [3]}
        graph: {a: {from: x, apply: {Dense: 2}}, name: {from: a}, b: {from: name, apply: {Dense: 2}}}
        outputs: {y: {from: b, apply: {Dense: 1}}, z: {from: a, apply: {Dense: 4}}}
        """
    )
    (diagram,) = of(path)
    assert sorted(box.title for box in diagram.boxes) == ["a", "b", "x", "y", "z"]
    assert ("a", "b") in {(arrow.start, arrow.end) for arrow in diagram.arrows}


def test_hostile_and_wide_names_are_escaped_and_cut(write: Write) -> None:
    """Layer arguments and names never become markup; what is too long is cut, and whole in the tooltip."""
    long = "n" * 90
    path = write(
        f"""
        graphspec: 1
        inputs: {{{long}: [3]}}
        outputs: {{y: {{from: {long}, apply: {{Dense: 1}}}}}}
        """
    )
    (diagram,) = of(path)
    picture = draw(diagram)
    assert f"<title>{long}\n" in picture
    assert texts(diagram)[0] == "n" * 39 + "…"
    evil = "<script>alert(1)</script>&\"'\0"
    hostile = Diagram(evil, diagram.boxes, diagram.arrows, {})
    assert "<script" not in draw(hostile)
    ElementTree.fromstring(draw(hostile))


@given(st.data())
def test_boxes_never_overlap_and_arrows_go_down(data: st.DataObject) -> None:
    """Whatever the graph: boxes keep apart, stand inside the picture, and every arrow ends below where it begins."""
    count = data.draw(st.integers(1, 14))
    pairs = list(combinations(range(count), 2))
    arrows = data.draw(st.lists(st.sampled_from(pairs), unique=True, max_size=30)) if pairs else []
    sizes = {str(key): (data.draw(st.integers(40, 300)), data.draw(st.integers(20, 200))) for key in range(count)}
    layout = lay_out(sizes, [(str(start), str(end)) for start, end in arrows])
    corners = {key: (*layout.places[key], *sizes[key]) for key in sizes}
    for x, y, width, height in corners.values():
        assert -0.01 <= x <= x + width <= layout.width + 0.01
        assert -0.01 <= y <= y + height <= layout.height + 0.01
    for (ax, ay, aw, ah), (bx, by, bw, bh) in combinations(corners.values(), 2):
        assert ax + aw <= bx + 0.01 or bx + bw <= ax + 0.01 or ay + ah <= by + 0.01 or by + bh <= ay + 0.01
    for (start, end), points in zip(arrows, layout.routes, strict=True):
        assert points[0][1] == pytest.approx(corners[str(start)][1] + corners[str(start)][3])
        assert points[-1][1] == pytest.approx(corners[str(end)][1])
        assert all(upper[1] <= lower[1] + 0.01 for upper, lower in pairwise(points))


def test_a_circle_is_refused() -> None:
    """Arrows that make a circle have no layers."""
    with pytest.raises(ValueError, match="circle"):
        lay_out({"a": (1, 1), "b": (1, 1)}, [("a", "b"), ("b", "a")])


def test_three_hundred_nodes_are_drawn_in_a_moment() -> None:
    """A graph of 300 nodes, each taking from several before it, takes less than three seconds."""
    sizes = {str(key): (120.0, 60.0) for key in range(300)}
    arrows = [(str(start), str(end)) for end in range(300) for start in {end // 2, max(0, end - 7)} if start < end]
    began = time.process_time()
    layout = lay_out(sizes, arrows)
    assert time.process_time() - began < 3
    assert len(layout.places) == 300

"""The drawing of a graph: what it shows, where things stand, and that nothing in a spec breaks it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from itertools import combinations, pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

import graphspec
from graphspec.drawing import Box, Diagram, Drawings, lay_out, svg_element, svg_file

ROOT = Path(__file__).parents[2]
Write = Callable[..., Path]
SVG = "{http://www.w3.org/2000/svg}"


def of(path: Path) -> Drawings:
    return Drawings.of(graphspec.load(path).graph)


def texts(drawings: Drawings, number: int = 0, depth: int | None = None) -> list[str]:
    """Every text that the drawing of a diagram shows, which is well-formed XML."""
    picture = svg_element(drawings.draw(number, drawings.unfolded(number, depth)))
    return [each.text or "" for each in ElementTree.fromstring(picture).iter(f"{SVG}text")]


def box_of(diagram: Diagram, title: str) -> Box:
    return next(box for box in diagram.every_box() if box.title == title)


def test_a_box_for_each_name_of_the_spec_with_layers_and_shapes() -> None:
    """Inputs and nodes bear the names of the spec; each layer stands with the shape it gives."""
    drawings = of(ROOT / "specs/same_digit.yaml")
    main, vision = drawings.diagrams
    assert [box.title for box in main.boxes] == ["digit_a", "digit_b", "code_a", "code_b", "same"]
    shown = texts(drawings, depth=0)
    assert shown[:3] == ["digit_a", "Input", "(batch, 8, 8, 1)"]
    assert shown.count("(batch, 64)") == 4
    assert [line.text for line in vision.boxes[1].lines][:3] == ["Rescaling", "GaussianNoise", "Conv2D"]
    titles = {box.key: box.title for box in main.boxes}
    assert {(titles[arrow.start], titles[arrow.end]) for arrow in main.arrows} == {
        ("digit_a", "code_a"),
        ("digit_b", "code_b"),
        ("code_a", "same"),
        ("code_b", "same"),
    }


def test_shared_layers_bear_one_mark() -> None:
    """The two calls of a shared layer show the same letter, which the diagram explains."""
    (tweets,) = of(ROOT / "specs/tweets.yaml").diagrams
    assert tweets.shared == {"A": "shared_lstm (LSTM), called 2 times"}
    assert [line.mark for box in tweets.boxes for line in box.lines].count("A") == 2


def test_marks_are_those_of_one_layer_in_all_diagrams(write: Write) -> None:
    """No two layers bear one mark, in nested models neither; a layer shared with a model bears its mark in both."""
    path = write(
        """
        graphspec: 1
        layers: {outer: {Dense: 2}, both: {Dense: 2}}
        models:
          m:
            inputs: {p: [2]}
            layers: {inner: {Dense: 2}}
            outputs: {o: {from: p, apply: [inner, inner, both]}}
        inputs: {x: [2]}
        graph: {a: {from: x, apply: [outer, outer, both, m]}}
        outputs: {y: {from: a, apply: {Dense: 1}}}
        """
    )
    main, model = of(path).diagrams
    named = {text.split()[0]: mark for each in (main, model) for mark, text in each.shared.items()}
    assert sorted(named) == ["both", "inner", "outer"]
    assert len(set(named.values())) == 3
    assert named["both"] in main.shared
    assert named["both"] in model.shared


def test_a_chain_of_blocks_is_one_box() -> None:
    """A node that applies layers and blocks in a chain is one box with all layers, none of lowering's names."""
    drawings = of(ROOT / "specs/zoo/unet.yaml")
    (unet,) = drawings.diagrams
    titles = [box.title for box in unet.boxes]
    assert titles[:4] == ["image", "down_1", "down_2", "down_3"]
    assert [line.text for line in unet.boxes[2].lines] == ["MaxPooling2D", "Conv2D", "Conv2D"]
    assert not any("@" in text or "__" in text for text in texts(drawings))


def test_uses_of_blocks_and_models_are_groups() -> None:
    """A use of a block or a model holds its nodes, at any depth; what it takes from outside ends in them."""
    (resnet,) = of(ROOT / "specs/zoo/resnet50.yaml").diagrams
    features = box_of(resnet, "features")
    assert [box.note for box in features.boxes] == ["stage"] * 4
    assert [len(stage.boxes) for stage in features.boxes] == [3, 4, 6, 3]
    first = features.boxes[0].boxes[0]
    assert (first.note, [box.title for box in first.boxes]) == ("bottleneck", ["skip", "detour", "output"])
    assert [line.text for line in first.boxes[1].lines][-2:] == ["Conv2D", "BatchNormalization"]
    video, vision, _ = of(ROOT / "specs/video_qa.yaml").diagrams
    encoded = box_of(video, "encoded_video")
    assert [(box.kind, box.model) for box in encoded.boxes] == [("model", 1), ("node", None)]
    assert vision.name == "vision"
    assert ("video", encoded.boxes[0].key, "image") in {(each.start, each.end, each.input) for each in video.arrows}


def test_a_folded_group_tells_what_is_in_it() -> None:
    """Repeated parts are counted; the number of parameters is that of all that is inside, shared weights once."""
    shown = texts(of(ROOT / "specs/zoo/resnet50.yaml"), depth=1)
    assert [text for text in shown if "bottleneck" in text] == [f"{count} × bottleneck" for count in (3, 4, 6, 3)]
    shown = texts(of(ROOT / "specs/zoo/resnet50.yaml"), depth=0)
    assert "4 × stage" in shown
    assert "23.6M" in shown


def test_groups_are_unfolded_while_the_drawing_stays_readable() -> None:
    """By default at most 24 boxes are shown; a depth unfolds so many levels."""
    for name, depth in (("zoo/resnet50", 2), ("zoo/causal_lm", 1), ("zoo/unet", 1), ("video_qa", 2)):
        drawings = of(ROOT / f"specs/{name}.yaml")
        assert drawings.unfolded() == drawings.unfolded(0, depth), name
        boxes = drawings.draw().picture.boxes
        assert sum(not placed.view.boxes for placed in boxes) <= 24
    assert len(of(ROOT / "specs/zoo/resnet50.yaml").draw(0, ()).picture.boxes) == 4


@pytest.mark.parametrize("path", sorted(ROOT.glob("specs/**/*.yaml")), ids=lambda path: path.stem)
def test_every_shipped_spec_is_drawn(path: Path) -> None:
    """Each drawing is well-formed XML at every depth, has every output, and every arrow joins two boxes in it."""
    spec = graphspec.load(path)
    drawings = Drawings.of(spec.graph)
    for number, diagram in enumerate(drawings.diagrams):
        assert texts(drawings, number)
        keys = {box.key for box in diagram.every_box()}
        assert len(keys) == len(list(diagram.every_box()))
        assert all({arrow.start, arrow.end} <= keys for arrow in diagram.arrows)
    for depth in (0, 1, 9):
        check_places(drawings, depth)
    main = drawings.diagrams[0]
    assert {box.title for box in main.boxes if box.kind == "output"} == {*spec.graph.outputs, *spec.graph.losses}


def check_places(drawings: Drawings, depth: int) -> None:
    """Boxes of a group lie within it and apart from each other; arrows end at the boxes that they join."""
    picture = drawings.draw(0, drawings.unfolded(0, depth)).picture
    placed = {each.view.path: each for each in picture.boxes}
    for each in picture.boxes:
        for inner in (placed[shown.path] for shown in each.view.boxes):
            assert each.x < inner.x
            assert inner.x + inner.width < each.x + each.width
            assert each.y + 28 <= inner.y
            assert inner.y + inner.height < each.y + each.height
        siblings = [placed[shown.path] for shown in each.view.boxes]
        for one, other in combinations(siblings, 2):
            apart_x = one.x + one.width <= other.x + 0.01 or other.x + other.width <= one.x + 0.01
            assert apart_x or one.y + one.height <= other.y + 0.01 or other.y + other.height <= one.y + 0.01
    for route in picture.routes:
        assert all(upper[1] <= lower[1] + 0.01 for upper, lower in pairwise(route.points))
        if route.is_last:
            (end,) = (placed[path] for path in route.ends[:1])
            assert route.points[-1][1] == pytest.approx(end.y)
            assert end.x <= route.points[-1][0] <= end.x + end.width


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
    (diagram,) = of(path).diagrams
    assert sorted(box.title for box in diagram.boxes) == ["a", "b", "x", "y", "z"]
    assert ("a", "b") in {(arrow.start, arrow.end) for arrow in diagram.arrows}


def test_a_block_of_several_outputs_and_a_model_of_several_are_linked(write: Write) -> None:
    """Each output of a block or a model is linked with what takes it, folded and unfolded."""
    path = write(
        """
        graphspec: 1
        blocks:
          two: {inputs: h, outputs: {up: {from: h, apply: {Dense: 2}}, down: {from: h, apply: {Dense: 3}}}}
        models:
          pair:
            inputs: {p: [2], q: [3]}
            outputs: {s: {from: p, apply: {Dense: 4}}, t: {from: q, apply: {Dense: 5}}}
        inputs: {x: [3]}
        graph:
          split: {from: x, apply: two}
          both: {from: [split.up, split.down], apply: pair}
        outputs: {y: {from: both.s, apply: {Dense: 1}}, z: {from: both.t, apply: {Dense: 1}}}
        """
    )
    drawings = of(path)
    picture = drawings.draw(0, drawings.unfolded(0, 5)).picture
    titles = {each.view.path: each.view.box.title for each in picture.boxes}
    links = {(titles[route.start], titles[end]) for route in picture.routes for end in route.ends}
    assert links == {
        *(("x", "up"), ("x", "down"), ("up", "p"), ("down", "q")),
        *(("p", "s"), ("q", "t"), ("s", "y"), ("t", "z")),
    }
    folded = drawings.draw(0, ()).picture
    assert {(route.start, route.ends[0]) for route in folded.routes} == {
        *(("x", "b:split"), ("b:split", "both"), ("both", "y"), ("both", "z")),
    }


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
    drawings = of(path)
    picture = svg_element(drawings.draw())
    assert f"<title>{long}\n" in picture
    assert texts(drawings)[0] == "n" * 39 + "…"
    evil = "<script>alert(1)</script>&\"'\0"
    hostile = replace(drawings.draw(), name=evil)
    for written in (svg_element(hostile), svg_file(hostile)):
        assert "<script" not in written
        ElementTree.fromstring(written)


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


def test_one_arrow_of_a_circle_goes_up() -> None:
    """Boxes in a circle are placed as well; the arrow that closes it goes up, from its start to its end."""
    layout = lay_out({"a": (40, 20), "b": (40, 20), "c": (40, 20)}, [("a", "b"), ("b", "c"), ("c", "a")])
    assert layout.places["a"][1] < layout.places["b"][1] < layout.places["c"][1]
    up = layout.routes[2]
    assert up[0][1] == layout.places["c"][1]
    assert up[-1][1] == layout.places["a"][1] + 20


def test_uses_of_blocks_that_feed_each_other_are_drawn(write: Write) -> None:
    """Two uses of a block may each take from the other, though no tensor depends on itself."""
    path = write(
        """
        graphspec: 1
        blocks:
          b:
            inputs: [p, q]
            outputs: {f: {from: p, apply: {Dense: 2}}, g: {from: q, apply: {Dense: 2}}}
        inputs: {x: [2]}
        graph:
          one: {from: [x, two.f], apply: b}
          two: {from: [one.f, x], apply: b}
        outputs: {y: {from: [one.g, two.g], merge: sum}}
        """
    )
    drawings = of(path)
    for depth in (0, 1):
        assert "one · b" in texts(drawings, depth=depth)


def test_three_hundred_nodes_are_drawn_in_a_moment() -> None:
    """A graph of 300 nodes, each taking from several before it, takes less than three seconds."""
    sizes = {str(key): (120.0, 60.0) for key in range(300)}
    arrows = [(str(start), str(end)) for end in range(300) for start in {end // 2, max(0, end - 7)} if start < end]
    began = time.process_time()
    layout = lay_out(sizes, arrows)
    assert time.process_time() - began < 3
    assert len(layout.places) == 300

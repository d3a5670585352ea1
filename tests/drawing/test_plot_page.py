"""The interactive page of `graphspec plot`, driven in a headless Chromium: folding, details, search, keys, safety."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import graphspec
from graphspec.drawing import Drawings
from graphspec.drawing.page import plot_page
from graphspec.spec import inspect
from tests.chromium import needs_chromium
from tests.chromium_session import Session, chromium_session

ROOT = Path(__file__).parents[2]
SPECS = sorted(ROOT.glob("specs/**/*.yaml"))
EVIL = "</script><script>window.broken = 1</script><img src=http://example.invalid/x onerror='window.broken = 2'>"


@pytest.fixture(scope="module")
def browser() -> Iterator[Session]:
    with chromium_session() as session:
        yield session


def page_of(spec: Path, folder: Path, depth: int | None = None) -> Path:
    loaded = graphspec.load(spec)
    page = folder / "page.html"
    page.write_text(plot_page(Drawings.of(loaded.graph), loaded.warnings, depth), encoding="utf-8")
    return page


@pytest.fixture
def resnet(browser: Session, tmp_path: Path) -> Session:
    """The page of ResNet-50 at its stages."""
    return opened(browser, page_of(ROOT / "specs/zoo/resnet50.yaml", tmp_path, 1))


def opened(browser: Session, page: Path) -> Session:
    browser.requests.clear()
    browser.complaints.clear()
    browser.resize(1400, 1000)
    browser.open(page.as_uri())
    assert browser.complaints == []
    return browser


def shown(browser: Session) -> list[str]:
    """The titles of the boxes that are drawn."""
    found: list[str] = browser.run("picture.boxes.map((placed) => placed.shown.box.title)")
    return found


def middle(browser: Session, path: str, selector: str = ".title") -> tuple[float, float]:
    """Where a part of the box with this path is in the window."""
    box = browser.run(
        "(({x, y, width, height}) => [x + width / 2, y + height / 2])"
        f"(nodes.get({json.dumps(path)}).querySelector({json.dumps(selector)}).getBoundingClientRect())"
    )
    return box[0], box[1]


@needs_chromium
def test_the_page_asks_for_nothing_and_complains_of_nothing(resnet: Session) -> None:
    """A page from a file makes no request but itself, and no policy is broken."""
    resnet.run("foldAll(true), nextHit(1), goTo('stem')")
    assert [url.partition(":")[0] for url in resnet.requests] == ["file"]
    assert resnet.complaints == []
    policy = resnet.run("document.querySelector('meta[http-equiv]').content")
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert "connect-src" not in policy


@needs_chromium
def test_a_click_folds_and_unfolds_a_group(resnet: Session) -> None:
    """A click on the sign of a group unfolds it, another folds it; what is around stays where it is."""
    assert shown(resnet) == ["image", "stem", "features", "stage", "stage", "stage", "stage", "label"]
    stage = resnet.run("picture.boxes[3].shown.path")
    before = middle(resnet, stage)
    resnet.click(*middle(resnet, stage, ".fold"))
    assert shown(resnet)[3:7] == ["stage", "bottleneck", "bottleneck", "bottleneck"]
    assert middle(resnet, stage) == pytest.approx(before, abs=1)
    assert resnet.run(f"nodes.get('{stage}').getAttribute('aria-expanded')") == "true"
    assert resnet.run("document.getElementById('status').textContent") == "stage unfolded: 3 boxes"
    resnet.click(*middle(resnet, stage, ".fold"))
    assert shown(resnet).count("bottleneck") == 0
    resnet.run("document.getElementById('unfold-all').click()")
    assert shown(resnet).count("skip · conv") == 4
    resnet.run("document.getElementById('fold-all').click()")
    assert shown(resnet) == ["image", "stem", "features", "label"]


@needs_chromium
def test_a_click_shows_what_a_box_is(resnet: Session) -> None:
    """The details of a box: arguments, shapes, parameters, neighbours, and its lines of the spec."""
    resnet.click(*middle(resnet, "stem"))
    text = resnet.run("document.getElementById('details').innerText")
    for said in (
        *("stem", "9,728", "image", "stage (stem)", "Conv2D", "(batch, 112, 112, 64)", "kernel_size", "7"),
        *("epsilon", "1.001e-05", "stem_conv2d", "resnet50.yaml:"),
        "- Conv2D: {filters: 64, kernel_size: 7, strides: 2}",
    ):
        assert said in text, said
    resnet.run("[...document.querySelectorAll('#details button')].find((each) => each.textContent === 'image').click()")
    assert "224" in resnet.run("document.getElementById('details').innerText")
    resnet.press("Escape")
    assert resnet.run("document.getElementById('details').hidden") is True


@needs_chromium
def test_arguments_of_a_block_are_those_of_its_use(resnet: Session) -> None:
    """Inside of a block, arguments have the values of this use, and its lines are shown with the step that uses it."""
    path = resnet.run("everything().find(([, box]) => box.title === 'skip · conv')[0]")
    resnet.run(f"goTo({json.dumps(path)})")
    text = resnet.run("document.getElementById('details').innerText")
    assert "filters\t256" in text
    assert '"${filters}"' in text
    assert "- stage: {filters: 64, depth: 3, strides: 1}" in text


@needs_chromium
def test_shared_layers_are_linked(browser: Session, tmp_path: Path) -> None:
    """A selected use of a shared layer marks all others, and names them."""
    opened(browser, page_of(ROOT / "specs/tweets.yaml", tmp_path))
    browser.click(*middle(browser, "encoded_a"))
    linked = "[...document.querySelectorAll('.node.linked')].map((each) => each.dataset.path)"
    assert browser.run(linked) == ["encoded_b"]
    text = browser.run("document.getElementById('details').innerText")
    assert "Shared with" in text
    assert "encoded_b" in text


@needs_chromium
def test_a_shared_model_is_linked_in_each_of_its_uses(browser: Session, tmp_path: Path) -> None:
    """Two uses of one model are marked as one; both can be unfolded, each with its own boxes."""
    opened(browser, page_of(ROOT / "specs/same_digit.yaml", tmp_path, 0))
    browser.run("goTo('code_a')")
    assert browser.run("nodes.get('code_b').classList.contains('linked')")
    browser.run("toggle('code_a'), toggle('code_b')")
    paths = browser.run("picture.boxes.map((placed) => placed.shown.path)")
    assert len(paths) == len(set(paths)) == 9


@needs_chromium
def test_search_finds_what_is_folded_away(resnet: Session) -> None:
    """`/` and a name: the boxes that have it are counted, and Enter unfolds what is around the next."""
    resnet.press("/")
    resnet.type("detour")
    assert resnet.run("document.getElementById('matches').textContent") == "16 found"
    assert "detour" not in shown(resnet)
    resnet.press("Enter")
    assert resnet.run("document.getElementById('matches').textContent") == "1 of 16"
    assert shown(resnet).count("detour") == 1
    assert resnet.run("document.querySelector('#details h2').textContent") == "detour"
    resnet.press("Enter")
    assert resnet.run("document.getElementById('matches').textContent") == "2 of 16"
    assert resnet.run("document.getElementById('status').textContent").startswith("2 of 16: detour, node")
    resnet.press("Escape")
    assert resnet.run("document.getElementById('search').value") == ""
    resnet.press("/")
    resnet.type("no such thing")
    assert resnet.run("document.getElementById('matches').textContent") == "0 found"


@needs_chromium
def test_the_keyboard_is_enough(resnet: Session) -> None:
    """Tab reaches the graph; arrows walk, unfold and fold; Enter shows details, Escape closes them; + - 0 zoom."""
    for _ in range(12):
        resnet.press("Tab")
        if resnet.run("document.activeElement.getAttribute('role')") == "treeitem":
            break

    def focused() -> str:
        return str(resnet.run("nodes.get(focused) === document.activeElement ? placedAt(focused).shown.box.title : ''"))

    assert focused() == "image"
    resnet.press("ArrowDown")
    resnet.press("ArrowDown")
    assert focused() == "features"
    resnet.press("ArrowRight")
    assert focused() == "stage"
    resnet.press("ArrowRight")
    resnet.press("ArrowRight")
    assert focused() == "bottleneck"
    resnet.press("Enter")
    assert resnet.run("document.querySelector('#details h2').textContent") == "bottleneck"
    assert resnet.run("nodes.get(focused).getAttribute('aria-selected')") == "true"
    resnet.press("Escape")
    assert resnet.run("document.getElementById('details').hidden") is True
    resnet.press("ArrowLeft")
    resnet.press("ArrowLeft")
    assert "bottleneck" not in shown(resnet)
    assert focused() == "stage"
    zoom = resnet.run("zoom")
    resnet.press("+")
    assert resnet.run("zoom") == pytest.approx(1.25 * zoom)
    resnet.press("-")
    assert resnet.run("zoom") == pytest.approx(zoom)
    resnet.press("0")
    box = resnet.run("(({top, bottom}) => [top, bottom])(scene.getBoundingClientRect())")
    assert box[0] >= 40
    assert box[1] <= 1000


@needs_chromium
def test_the_mouse_moves_and_zooms(resnet: Session) -> None:
    """Dragging and the wheel move the graph, Ctrl and the wheel zoom at the pointer; no click is taken for a drag."""
    before = resnet.run("[panX, panY, zoom]")
    resnet.drag((100, 600), (150, 560))
    assert resnet.run("[panX, panY]") == pytest.approx([before[0] + 50, before[1] - 40], abs=1)
    resnet.wheel(700, 500, 120)
    assert resnet.run("panY") == pytest.approx(before[1] - 160, abs=1)
    at = resnet.run("[(700 - panX) / zoom, (500 - frame().top - panY) / zoom]")
    resnet.wheel(700, 500, -100, ctrl=True)
    assert resnet.run("zoom") > before[2]
    assert resnet.run("[(700 - panX) / zoom, (500 - frame().top - panY) / zoom]") == pytest.approx(at, abs=1)
    assert resnet.run("selected") is None


@needs_chromium
def test_a_screen_reader_is_told_of_every_box(resnet: Session) -> None:
    """The graph is a tree of named items with their levels; one of them is in the order of Tab."""
    facts = "(each) => [each.ariaLabel, each.ariaLevel, each.tabIndex]"
    items = resnet.run(f"[...document.querySelectorAll('[role=treeitem]')].map({facts})")
    assert items[0] == ["image, input, Input (batch, 224, 224, 3)", "1", 0]
    assert items[3][:2] == ["stage, use of a block, 3 × bottleneck (batch, 56, 56, 256), 220,032 parameters", "2"]
    assert [tab for *_, tab in items].count(0) == 1
    assert resnet.run("stage.getAttribute('role') + stage.getAttribute('aria-label')") == "treethe graph of resnet50"
    assert resnet.run("document.getElementById('status').getAttribute('aria-live')") == "polite"
    unnamed = "[...document.querySelectorAll('button, input')].filter((each) => !each.ariaLabel && !each.textContent)"
    assert resnet.run(f"{unnamed}.length") == 0


@pytest.mark.slow
@needs_chromium
def test_the_page_lays_out_as_the_static_drawing_does(browser: Session, tmp_path: Path) -> None:
    """The script of the page and Python place every box and arrow of every spec alike, folded and unfolded."""
    opened(browser, page_of(SPECS[0], tmp_path))
    for path in SPECS:
        loaded = graphspec.load(path)
        drawings = Drawings.of(loaded.graph)
        text = plot_page(drawings, (), 0)
        facts = json.loads(text.partition('id="data">')[2].partition("</script>")[0])
        browser.run(f"data = {json.dumps(facts)}, index = null, 0")
        for depth in (0, 1, 9):
            unfolded = drawings.unfolded(0, depth)
            picture = drawings.draw(0, unfolded).picture
            browser.run(f"unfolded = new Set({json.dumps(sorted(unfolded))}), draw()")
            place = "({shown, x, y, width, height}) => [shown.path, x, y, width, height]"
            boxes: list[Any] = browser.run(f"picture.boxes.map({place})")
            assert [each[0] for each in boxes] == [each.view.path for each in picture.boxes]
            placed = [[each.x, each.y, each.width, each.height] for each in picture.boxes]
            assert [each[1:] for each in boxes] == [pytest.approx(each) for each in placed], (path.stem, depth)
            routes = browser.run("picture.routes.map(({points}) => points.flat())")
            drawn = [[part for point in route.points for part in point] for route in picture.routes]
            assert routes == [pytest.approx(each) for each in drawn], (path.stem, depth)


@needs_chromium
def test_nothing_of_a_spec_becomes_markup(browser: Session, tmp_path: Path) -> None:
    """Hostile texts in arguments, comments and the name of the file are shown as text, in every language."""
    spec = tmp_path / "a'b<img src=x>\u202e.yaml"
    named = json.dumps("n" + EVIL.replace("/", "|"))
    spec.write_text(
        "graphspec: 1\ninputs: {x: [2]}\ngraph:\n"
        f"  a: {{from: x, apply: {{Dense: {{units: 2, name: {named}}}}}}}  # {EVIL}\n"
        f"  b: {{from: a, apply: {{Dense: {{units: 2, activation: {named}}}}}}}  # \u202e\u2066 \U0001d4d0 مرحبا 你好\n"
        "outputs: {y: {from: b, apply: {Dense: 1}}}\n",
        encoding="utf-8",
    )
    found, report = inspect(spec, keep_faulty=True)
    assert found is not None
    page = tmp_path / "page.html"
    page.write_text(plot_page(Drawings.of(found.graph), report, None), encoding="utf-8")
    opened(browser, page)
    for title, text in (("a", EVIL), ("b", "\\u202e\\u2066 \U0001d4d0 مرحبا 你好"), ("y", "img src=x>\\u202e.yaml:6")):
        browser.run(f"goTo(everything().find(([, box]) => box.title === '{title}')[0])")
        assert text in browser.run("document.getElementById('details').innerText")
    assert browser.run("window.broken === undefined")
    assert browser.run("document.querySelectorAll('img').length") == 0
    assert browser.run("document.querySelectorAll('script').length") == 2
    assert browser.complaints == []
    assert [url.partition(":")[0] for url in browser.requests] == ["file"]


@pytest.mark.long
@needs_chromium
def test_ten_thousand_nodes(browser: Session, tmp_path: Path) -> None:
    """A graph of 10,000 nodes is drawn, searched and shown in seconds."""
    spec = tmp_path / "large.yaml"
    nodes = "".join(f"  n{i}: {{from: {f'n{i - 1}' if i else 'x'}, apply: ReLU}}\n" for i in range(10_000))
    spec.write_text(f"graphspec: 1\ninputs: {{x: [2]}}\ngraph:\n{nodes}outputs: {{y: n9999}}\n", encoding="utf-8")
    opened(browser, page_of(spec, tmp_path))
    assert browser.run("picture.boxes.length") == 10_002
    browser.press("/")
    browser.type("n7777")
    browser.press("Enter")
    assert browser.run("document.querySelector('#details h2').textContent") == "n7777"


@needs_chromium
def test_findings_are_shown_in_place(browser: Session, tmp_path: Path) -> None:
    """A box with a finding bears a badge; the finding is listed, with its lines, and leads to the box."""
    spec = tmp_path / "warned.yaml"
    spec.write_text(
        "graphspec: 1\ninputs: {x: [2]}\ngraph: {unused_one: {from: x, apply: ReLU}}\n"
        "outputs: {y: {from: x, apply: {Dense: 1}}}\n",
        encoding="utf-8",
    )
    opened(browser, page_of(spec, tmp_path))
    assert browser.run("nodes.get('unused_one').querySelectorAll('.badge').length") == 1
    assert browser.run("document.querySelectorAll('.badge').length") == 1
    panel = browser.run("document.getElementById('findings').innerText")
    assert "GS305" in panel
    assert "warned.yaml:3" in panel
    browser.run("document.querySelector('#findings button').click()")
    assert browser.run("selected") == "unused_one"
    assert "GS305" in browser.run("document.getElementById('details').innerText")


@needs_chromium
@pytest.mark.parametrize("width", [1400, 400])
def test_nothing_is_wider_than_the_window(browser: Session, tmp_path: Path, width: int) -> None:
    """The page never scrolls sideways; the details have room beside or below the graph."""
    opened(browser, page_of(ROOT / "specs/video_qa.yaml", tmp_path))
    browser.resize(width, 800)
    browser.run("goTo('answer')")
    assert browser.run("document.documentElement.scrollWidth") <= width
    edges = "(({left, right, top, bottom}) => [left, right, top, bottom])"
    box = browser.run(f"{edges}(nodes.get('answer').getBoundingClientRect())")
    assert box[0] >= 0
    assert box[1] <= width
    covered = browser.run("(({left, top}) => [left, top])(details.getBoundingClientRect())")
    assert box[1] <= covered[0] or box[3] <= covered[1]


def test_without_its_script_the_page_shows_the_graph(tmp_path: Path) -> None:
    """The still drawing stands in the page itself, with every box."""
    text = page_of(ROOT / "specs/zoo/unet.yaml", tmp_path).read_text(encoding="utf-8")
    still = text.partition('<div class="still">')[2].partition("</div>")[0]
    for title in ("image", "down_1", "bottom", "up_1", "mask", "(batch, 128, 128, 1)"):
        assert title in still

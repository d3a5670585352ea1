"""The page of a run as a browser shows it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from graphspec.runs.report import write_report
from tests.chromium import attribute, look, needs_chromium, picture

from .report_pages import Reader, charts

POLICY = r'<meta http-equiv="Content-Security-Policy"[^>]*>'

HOVER = """
const charts = [...document.querySelectorAll("svg.plot")];
const boxes = charts.map((each) => each.getBoundingClientRect());
const places = boxes.map((box) => [box.left, box.top, box.right, box.bottom].map(Math.round));
const [first] = charts, box = first.getBoundingClientRect();
first.dispatchEvent(new PointerEvent("pointermove", {clientX: box.left + box.width * 0.99, clientY: box.top + 40}));
const wide = document.documentElement.scrollWidth > document.documentElement.clientWidth;
document.body.dataset.seen = JSON.stringify({places, tip: document.querySelector(".tip-box").textContent, wide});
"""


@needs_chromium
def test_a_browser_shows_the_page_without_errors_and_fetches_nothing(with_model: Path) -> None:
    """No message on the console, no request, and the curves, matrices and graphs are in the document."""
    seen = look(write_report(with_model))
    assert seen.console == []
    assert seen.fetched == []
    page = Reader(seen.dom)
    assert len(page.all("path", "line training")) == 4
    assert len(page.all("path", "line validation")) == 4
    assert len(page.all("div", "tip-box")) == len(charts(page)) == 8
    assert len(page.all("table", "confusion")) == 2
    assert len(page.all("svg", "graph")) == 2


@needs_chromium
def test_the_policy_stops_what_does_not_belong_to_the_page(run: Path) -> None:
    """A script or a picture put into the page is neither run nor fetched; without the policy, it is."""
    path = write_report(run)
    text = path.read_text(encoding="utf-8")
    foreign = "<img src='http://example.invalid/x.png'><script>document.title = 'taken'</script></body>"
    path.write_text(text.replace("</body>", foreign), encoding="utf-8")
    seen = look(path)
    assert "<title>taken" not in seen.dom
    assert len(seen.console) >= 2
    assert seen.fetched == []
    path.write_text(re.sub(POLICY, "", path.read_text(encoding="utf-8")), encoding="utf-8")
    seen = look(path)
    assert "<title>taken" in seen.dom
    assert "http://example.invalid/x.png" in seen.fetched


@needs_chromium
@pytest.mark.parametrize(("width", "dark"), [(1200, False), (1200, True), (500, False)])
def test_charts_are_seen_and_hovering_tells_their_values(
    with_model: Path, tmp_path: Path, width: int, dark: bool
) -> None:
    """The pixels where charts stand hold lines; the page is no wider than the window; the tip tells the last epoch."""
    from PIL import Image

    path = write_report(with_model)
    text = path.read_text(encoding="utf-8")
    probe = re.sub(POLICY, "", text)
    frame = tmp_path / "probe.html"
    frame.write_text(probe.replace("</body>", f"<script>{HOVER}</script></body>"), encoding="utf-8")
    seen: Any = attribute(look(frame, width, 2400).dom, "data-seen")
    assert seen["tip"].splitlines() == ["epoch 4", "training  1.25", "validation  1.375"]
    assert not seen["wide"]
    with Image.open(picture(path, tmp_path / "page.png", width, 2400, dark=dark)) as image:
        page = image.convert("RGB")
    corner = page.getpixel((3, 3))
    assert isinstance(corner, tuple)
    assert (sum(corner) < 150) is dark
    inside = [place for place in seen["places"] if place[3] < 2400]
    assert len(inside) >= 4
    for left, top, right, bottom in inside:
        colours = page.crop((left, top, right, bottom)).getcolors(maxcolors=1 << 20)
        assert colours is not None
        assert len(colours) > 20

"""Places that findings have left open: whether another place shares a character with one of them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from graphspec.diagnostics import Report, SourceText, Span

SOURCES = (SourceText("a.yaml", ""), SourceText("b.yaml", ""))
POSITIONS = st.tuples(st.integers(1, 3), st.integers(1, 6))


@st.composite
def spans(draw: st.DrawFn) -> Span:
    """A place in one of two sources, which may be empty."""
    start, end = sorted((draw(POSITIONS), draw(POSITIONS)))
    return Span(draw(st.sampled_from(SOURCES)), *start, *end)


@given(st.lists(spans(), max_size=8), spans())
def test_a_place_is_open_where_it_overlaps_one_that_was_left_open(places: list[Span], asked: Span) -> None:
    """Joining places changes nothing: the answer is that of looking at each."""
    report = Report()
    for place in places:
        report.leave_open(place)
    assert len(report.open) == len(places)
    assert report.is_open(asked) == (asked in places or any(asked.overlaps(place) for place in places))

"""What a finding is known by from one run to the next, though lines move: its rule, its file and the text it is at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from hashlib import sha256

from graphspec.diagnostics.formats.outcome import Located


def fingerprints(found: Iterable[Located]) -> Iterator[tuple[Located, str]]:
    """Each finding with its fingerprint; those alike are counted in their order."""
    seen: Counter[tuple[str, ...]] = Counter()
    for each in found:
        line = each.span.source.line(each.span.line).strip() if each.span is not None else ""
        known = (each.finding.rule.code, each.file, each.finding.message, line)
        seen[known] += 1
        yield each, sha256("\0".join((*known, str(seen[known]))).encode("utf-8", "surrogatepass")).hexdigest()[:32]

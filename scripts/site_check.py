"""What is held of the built site: two clicks from its start to every page, and nothing fetched from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag

CLICKS = 2
_CSS_ADDRESS = re.compile(r"(?:url\(|@import\s)\s*['\"]?((?:https?:)?//[^)'\"\s]+)")


class _Page(HTMLParser):
    """The links of a page, and the addresses of what a browser fetches to show it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.resources: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
        if tag == "link" and "href" in values:
            self.resources.append(values["href"])
        self.resources += [values[name] for name in ("src", "srcset", "poster", "data") if name in values]
        self.resources += _CSS_ADDRESS.findall(values.get("style", ""))


def faults(site: Path) -> Iterator[str]:
    """Yield a sentence for each page that is too far from the start, and for each address that a page fetches."""
    pages = {path: _Page(path.read_text(encoding="utf-8")) for path in site.rglob("*.html") if path.name != "404.html"}
    near = {site / "index.html"}
    for _ in range(CLICKS):
        near |= {target for path in near & pages.keys() for target in _targets(path, pages[path].links)}
    for path, page in sorted(pages.items()):
        name = path.relative_to(site).as_posix()
        if path not in near:
            yield f"{name} is more than {CLICKS} clicks from the start"
        for target in _targets(path, page.links):
            if not target.exists():
                yield f"{name} links to {target.name}, which is missing"
        for address in page.resources:
            if re.match(r"(?:https?:)?//", address):
                yield f"{name} fetches {address}"
    for path in sorted(site.rglob("*.css")):
        for address in _CSS_ADDRESS.findall(path.read_text(encoding="utf-8")):
            yield f"{path.relative_to(site).as_posix()} fetches {address}"


def _targets(page: Path, links: list[str]) -> set[Path]:
    """Return the files of the site that the links of a page lead to."""
    local = (unquote(urldefrag(link).url) for link in links if not re.match(r"[a-z]+:|//", link))
    return {(page.parent / link).resolve() for link in local if link}

"""Build the documentation site from docs/ and the code.

    python scripts/make_site.py            writes site/pages, builds site/html from it and checks it
    python scripts/make_site.py --pages    writes site/pages alone, which needs no MkDocs

Pages of rules, commands, layers and specs are written by `site_pages.py`; a graph is drawn beside every whole spec of
the other pages. `mkdocs.yml` says how the site looks.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from site_check import faults
from site_pages import ROOT, catalog_pages, command_pages, drawing_of, rule_pages, spec_pages

SITE = ROOT / "site"
OF_THE_ROOT = ("CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")
"""Pages that lie beside docs/."""
LEGIBLE = 0.67
"""The scale that a drawing may shrink to beside its spec; where it would be smaller, it comes below."""

_LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\[\]]*\])*)\]\(([^)\s]+)\)")
_ELSEWHERE = re.compile(r"(?:\.\./)*(?:graphspec/diagnostics/(rules/GS\d+\.md)|(specs/.*)\.yaml|([A-Z]+\.md))")
_FENCE = re.compile(r"(^```.*?^```$)", re.MULTILINE | re.DOTALL)
_WIDTH = re.compile(r'<svg [^>]*?width="([\d.]+)"')
_SPEC = re.compile(r"^```yaml\n(graphspec: 1\n.*?)^```$", re.MULTILINE | re.DOTALL)


def write_pages(folder: Path) -> None:
    """Write all sources of the site to `folder`, which is emptied first."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(ROOT / "docs", folder)
    for name in OF_THE_ROOT:
        text = (ROOT / name).read_text(encoding="utf-8")
        (folder / name).write_text(re.sub(r"\]\(docs/", "](", text), encoding="utf-8")
    for pages in (rule_pages(), command_pages(), catalog_pages(), spec_pages()):
        for name, text in pages:
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    with tempfile.TemporaryDirectory() as scratch:
        for page in sorted(folder.rglob("*.md")):
            text = page.read_text(encoding="utf-8")
            if not page.is_relative_to(folder / "specs"):  # those have their drawings
                text = _drawn(text, page, Path(scratch) / "spec.yaml")
            page.write_text(_linked(text, page, folder), encoding="utf-8")


def _linked(text: str, page: Path, folder: Path) -> str:
    """Return a page with its links to rules, specs and pages of the root as links to their pages.

    What leads to other files of the repository keeps its words alone.
    """

    def replaced(link: re.Match[str]) -> str:
        mark, words, target = link.groups()
        address, sign, anchor = target.partition("#")
        if not address or re.match(r"[a-z]+:", address) or (page.parent / address).exists():
            return link[0]
        found = _ELSEWHERE.fullmatch(address)
        if found is None:
            return words
        name = found[1] or (f"{found[2]}.md" if found[2] else found[3])
        if not (folder / name).exists():
            return words
        path = os.path.relpath(folder / name, page.parent).replace(os.sep, "/")
        return f"{mark}[{words}]({path}{sign}{anchor})"

    return "".join(part if number % 2 else _LINK.sub(replaced, part) for number, part in enumerate(_FENCE.split(text)))


def _drawn(text: str, page: Path, scratch: Path) -> str:
    """Return a page with the graph of every whole spec beside it; the drawings are written beside the page."""
    number = 0

    def followed(spec: re.Match[str]) -> str:
        nonlocal number
        scratch.write_text(spec[1], encoding="utf-8")
        drawing = drawing_of(scratch)
        if not drawing:
            return spec[0]
        number += 1
        picture = page.with_name(f"{page.stem}-{number}.svg")
        picture.write_text(drawing, encoding="utf-8")
        least = int(float(_WIDTH.findall(drawing)[0]) * LEGIBLE)
        image = f'![The graph of this spec]({picture.name})\n{{: style="flex-basis: {least}px"}}'
        return f'<div class="drawn" markdown>\n\n{spec[0]}\n\n{image}\n\n</div>'

    return _SPEC.sub(followed, text)


def build(pages: Path, site: Path) -> int:
    """Build `pages` strictly, say what is wrong with the result, and return an exit status."""
    environment = {**os.environ, "GRAPHSPEC_PAGES": str(pages), "GRAPHSPEC_SITE": str(site)}
    environment["NO_MKDOCS_2_WARNING"] = "1"
    command = [
        sys.executable,
        "-m",
        "mkdocs",
        "build",
        "--strict",
        "--quiet",
        "--clean",
        "-f",
        str(ROOT / "mkdocs.yml"),
    ]
    done = subprocess.run(command, env=environment, check=False)
    if done.returncode:
        return done.returncode
    wrong = list(faults(site))
    print("\n".join(wrong) if wrong else f"{sum(1 for _ in site.rglob('*.html'))} pages in {site}")
    return 1 if wrong else 0


if __name__ == "__main__":
    write_pages(SITE / "pages")
    raise SystemExit(0 if "--pages" in sys.argv[1:] else build(SITE / "pages", SITE / "html"))

"""A whole HTML page: one file that fetches nothing and runs no script but its own."""

from __future__ import annotations

import base64
import hashlib

from graphspec.drawing.markup import Child, Markup, tag

_POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'"


def html_page(
    title: str, *body: Child, generator: str, style: str, script: str, connect: bool = False, class_: str | None = None
) -> str:
    """Return a page with a policy that allows its style and its script alone.

    Args:
        title: The title of the page.
        body: The content of the body.
        generator: The generator in the first lines of the page, which shows that it may be replaced.
        style: The style sheet.
        script: The script, which runs at the end of the body.
        connect: Whether the script may connect to the server that the page comes from.
        class_: The class of the body.
    """
    policy = f"{_POLICY}; style-src '{_hash(style)}'; script-src '{_hash(script)}'"
    document = tag(
        "html",
        tag(
            "head",
            tag("meta", charset="utf-8"),
            tag("meta", name="generator", content=generator),
            tag("meta", http_equiv="Content-Security-Policy", content=policy + ("; connect-src 'self'" * connect)),
            tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
            tag("meta", name="referrer", content="no-referrer"),
            tag("title", f"{title} – graphspec"),
            tag("style", Markup(style)),
        ),
        "\n",
        tag("body", body, tag("script", Markup(script)), class_=class_),
        lang="en",
    )
    return f"<!DOCTYPE html>\n{document}\n"


def is_page_of(first: bytes, generator: str) -> bool:
    """Return whether a file that begins with `first` is a page by this generator."""
    return first.startswith(b"<!DOCTYPE html>") and f'content="{generator}"'.encode() in first


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"

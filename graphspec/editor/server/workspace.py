"""The open documents, the folders of the workspace, and the specs on the disk beside them."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from time import monotonic
from urllib.parse import unquote, urlsplit

from pygls.uris import from_fs_path, to_fs_path

from graphspec.editor.server.document import Document
from graphspec.editor.server.positions import Encoding
from graphspec.files import open_file
from graphspec.language.document.limits import MAX_BYTES
from graphspec.language.document.overlay import key
from graphspec.validation.spec_files import holds_spec, walk

_MAX_FILES = 2_000
"""The number of files of the workspace that are looked through for specs."""

_FRESH = 10.0
"""Seconds for which the list of these files is kept."""

_NO_NAME = re.compile(r"[\0/\\]+")


@dataclass
class Workspace:
    """The folders and documents that are open in the editor.

    Attributes:
        folders: The paths of the folders; the first is that of texts which are no files.
        documents: The open documents by their URIs, that of the last change last.
    """

    folders: list[str] = field(default_factory=list)
    encoding: Encoding = "utf-16"
    documents: dict[str, Document] = field(default_factory=dict)
    _listed: tuple[float, list[str]] = (-math.inf, [])
    _files: dict[str, tuple[tuple[int, int], Document]] = field(default_factory=dict)

    def put(self, document: Document) -> None:
        """Replace the document of a URI, or add it."""
        self.documents.pop(document.uri, None)
        self.documents[document.uri] = document

    def snapshot(self) -> Workspace:
        """Return a copy that later edits leave alone."""
        return replace(self, documents=dict(self.documents))

    def path_of(self, uri: str) -> str:
        """Return the path of a URI. One that names no file is in the first folder of the workspace."""
        path = _file_path(uri)
        if path is not None:
            return _absolute(path)
        name = _NO_NAME.sub("_", unquote(uri.rpartition("/")[2]))[-100:] or "untitled"
        return _absolute(str(Path(self.folders[0] if self.folders else ".", name)))

    def texts(self) -> dict[str, bytes]:
        """Return the texts of the open documents, which replace their files."""
        return {document.key: document.data for document in self.documents.values()}

    def open_at(self, path: str) -> Document | None:
        """Return the open document of a file; None if it is not open."""
        wanted = key(path)
        return next((each for each in self.documents.values() if each.key == wanted), None)

    def uri_of(self, path: str) -> str:
        """Return the URI of a file, as the editor writes it where it is open."""
        document = self.open_at(path)
        return document.uri if document is not None else from_fs_path(_absolute(path)) or ""

    def document_at(self, path: str) -> Document | None:
        """Return the document of a file, as it is open or else on the disk; None where it cannot be read."""
        document = self.open_at(path)
        if document is not None:
            return document
        try:
            status = Path(path).stat()
            stamp = status.st_mtime_ns, status.st_size
            if path in self._files and self._files[path][0] == stamp:
                return self._files[path][1]
            with open_file(path) as file:
                data = file.read(MAX_BYTES + 1)
            text = data.decode("utf-8")
        except (OSError, ValueError):
            return None
        uri = from_fs_path(_absolute(path)) or ""
        found = Document(uri, path, text, encoding=self.encoding, is_spec=holds_spec(data))
        self._files[path] = stamp, found
        return found

    def specs(self) -> Iterator[Document]:
        """Yield every spec that is open or in a folder of the workspace, each once."""
        seen: set[str] = set()
        for document in self.documents.values():
            if document.is_spec and document.key not in seen:
                seen.add(document.key)
                yield document
        for path in self._paths():
            if path not in seen and (found := self.document_at(path)) is not None and found.is_spec:
                seen.add(found.key)
                yield found

    def forget_disk(self) -> None:
        """List the files of the folders anew when they are needed next."""
        self._listed = (-math.inf, [])

    def _paths(self) -> list[str]:
        """Return the files of the folders that may be specs."""
        if monotonic() - self._listed[0] > _FRESH:
            files = islice((path for folder in self.folders for path in walk(folder)), _MAX_FILES)
            self._listed = monotonic(), list(map(key, files))
        return self._listed[1]


def _absolute(path: str) -> str:
    return os.path.normpath(Path(path).absolute())


def _file_path(uri: str) -> str | None:
    """Return the path of a URI of a file; None for one of something else."""
    try:
        if urlsplit(uri).scheme != "file":
            return None
        path = to_fs_path(uri)
    except ValueError:
        return None
    return path if path and "\0" not in path else None

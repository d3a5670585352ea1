"""A session with one editor: analyses in a thread of their own between edits, and the publishing of their results.

Nothing waits for a check but the first requests for a document; later ones are answered from the last check. What an
edit has made stale is dropped.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from dataclasses import dataclass
from typing import Any, TypeVar

from lsprotocol.types import Diagnostic
from pygls.exceptions import JsonRpcContentModified

from graphspec.editor.server.checks import Checks, analyse
from graphspec.editor.server.diagnostics import diagnostics_by_uri
from graphspec.editor.server.document import Document
from graphspec.editor.server.preload import preload
from graphspec.editor.server.spec_calls import View
from graphspec.editor.server.workspace import Workspace

PAUSE = 0.08
"""Seconds without an edit after which documents are checked."""

PATIENCE = 2.0
"""Seconds that a request waits for the first check of its document."""

IDLE = 0.5
"""Seconds without an edit after which nobody types."""

MANY = 20
"""Rounds of checks after which garbage is collected once nobody types. Analyses leave none: their memory is freed."""


@dataclass
class Settings:
    """The settings of the editor's user.

    Attributes:
        inlay_hints: Show the shape after each step.
        show_references: The command of the editor that takes a URI, a position and places, and shows the places.
    """

    inlay_hints: bool = True
    show_references: str = ""

    def update(self, options: Any) -> None:
        """Take the settings that an editor sends: `{"inlayHints": false}`, alone or under `graphspec`."""
        options = options.get("graphspec", options) if isinstance(options, dict) else None
        if not isinstance(options, dict):
            return
        if isinstance(shown := options.get("inlayHints"), bool):
            self.inlay_hints = shown
        if isinstance(command := options.get("showReferences"), str):
            self.show_references = command


T = TypeVar("T")
Publish = Callable[[str, Sequence[Diagnostic], int | None], None]


class Session:
    """The documents of one editor and what is known of them.

    All methods are called from the event loop; only `analyse` runs in the thread.
    """

    def __init__(self, publish: Publish, refresh: Callable[[], None], fail: Callable[[Exception], None]) -> None:
        """Make the session of an editor.

        Args:
            publish: Sends the diagnostics of a document.
            refresh: Lets the editor ask again for what it shows of shapes.
            fail: Tells of a failure of the server itself.
        """
        self.workspace, self.checks = Workspace(), Checks()
        self.publish, self.refresh, self.fail = publish, refresh, fail
        self.published: dict[str, tuple[int | None, list[Diagnostic]]] = {}
        self.settings = Settings()
        self.waiting = 0
        self._answered_stale = False
        self._changed_at = 0.0
        self._wake = asyncio.Event()
        self._done = asyncio.Event()
        self._thread = ThreadPoolExecutor(1, "checks")
        self._task: asyncio.Task[None] | None = None

    def prepare(self) -> None:
        """Load what checks and answers need before a document asks for it."""
        self._thread.submit(preload)

    def changed(self) -> None:
        """Check soon what is stale now."""
        loop = asyncio.get_running_loop()
        self._changed_at = loop.time()
        self._wake.set()
        if self._task is None:
            self._task = loop.create_task(self._keep_checking())

    def forget_disk(self) -> None:
        """Check all documents again, since files may have changed on the disk."""
        self.checks.forget_disk()
        self.workspace.forget_disk()
        self.changed()

    async def specs(self, document: Document) -> list[View]:
        """Return views of a document in the specs that hold it, its own first."""
        await self.settle(document)
        return self.checks.specs_of(document)

    async def beside(self, document: Document, work: Callable[[], T]) -> T:
        """Return the result of work that takes its time, made in the thread of the checks.

        Raises:
            JsonRpcContentModified: The document has changed meanwhile.
        """
        result = await asyncio.get_running_loop().run_in_executor(self._thread, copy_context().run, work)
        if self.workspace.documents.get(document.uri) is not document:
            raise JsonRpcContentModified("the document has changed meanwhile")
        return result

    def close(self) -> None:
        """End the work; a check that runs is not waited for."""
        if self._task is not None:
            self._task.cancel()
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def settle(self, document: Document) -> None:
        """Wait until a document is checked for the first time. Later, requests are answered from the last check.

        An editor that asked meanwhile is told to ask again after the next one.
        """
        if document.uri in self.checks.analyses:
            self._answered_stale = self._answered_stale or self._is_stale(document)
            return
        self.waiting += 1
        try:
            async with asyncio.timeout(PATIENCE):
                while self._is_stale(document):
                    self.changed()
                    self._done.clear()
                    await self._done.wait()
        except TimeoutError:
            return
        finally:
            self.waiting -= 1

    def _is_stale(self, document: Document) -> bool:
        is_open = self.workspace.documents.get(document.uri) is document and document.is_spec
        return is_open and self.checks.current(document, self.workspace) is None

    async def _keep_checking(self) -> None:
        rounds = 0
        while True:
            if rounds >= MANY and not await self._is_woken(IDLE):
                await asyncio.get_running_loop().run_in_executor(self._thread, gc.collect)
                rounds = 0
            await self._wake.wait()
            self._wake.clear()
            rounds += 1
            try:
                await self._pause()
                await self._check()
            except Exception as error:
                self.fail(error)
            finally:
                self._done.set()

    async def _is_woken(self, seconds: float) -> bool:
        """Return whether an edit comes within so many seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        return self._wake.is_set()

    async def _pause(self) -> None:
        """Wait until the last edit is some time ago, unless a request waits."""
        loop = asyncio.get_running_loop()
        while not self.waiting and (left := self._changed_at + PAUSE - loop.time()) > 0:
            await asyncio.sleep(min(left, PAUSE / 4))

    async def _check(self) -> None:
        loop = asyncio.get_running_loop()
        while (document := next(self.checks.stale(self.workspace), None)) is not None:
            state = self.workspace.texts(), self.checks.disk, self.checks.keras_of(document)
            analysis = await loop.run_in_executor(self._thread, analyse, document, *state)
            if self.checks.put(analysis, self.workspace):
                self._done.set()
            elif self._wake.is_set():
                return  # an edit came: pause again
        self._tell()
        if self._answered_stale:
            self._answered_stale = False
            self.refresh()

    def _tell(self) -> None:
        """Publish the diagnostics of each document and file where they are not those that are known."""
        found = diagnostics_by_uri(self.checks.findings(self.workspace), self.workspace)
        for uri in {*self.workspace.documents, *found, *self.published}:
            document = self.workspace.documents.get(uri)
            version = document.version if document is not None else None
            news = version, found.get(uri, [])
            if self.published.get(uri) != news:
                self.publish(uri, news[1], version)
            if document is None and not news[1]:
                self.published.pop(uri, None)
            else:
                self.published[uri] = news

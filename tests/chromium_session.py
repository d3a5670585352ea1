"""A page in a headless Chromium that a test works with: scripts, keys, the mouse, requests and pictures."""

from __future__ import annotations

import base64
import contextlib
import itertools
import json
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.chromium import PROGRAM

_KEYS = {"Enter": 13, "Escape": 27, "Tab": 9, "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40}


class Session:
    """A page of Chromium, over its debugging pipe.

    Attributes:
        requests: The addresses that the page has asked for, itself among them.
        complaints: The messages and errors on its console.
    """

    def __init__(self, reading: int, writing: int) -> None:
        self._from, self._to = os.fdopen(reading, "rb"), os.fdopen(writing, "wb")
        self._numbers = itertools.count(1)
        self._session = ""
        self.requests: list[str] = []
        self.complaints: list[str] = []
        target = next(each for each in self._ask("Target.getTargets")["targetInfos"] if each["type"] == "page")
        attached = self._ask("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self._ask(f"{domain}.enable")

    def open(self, url: str) -> None:
        """Open an address, and wait until its scripts have run."""
        self._ask("Page.navigate", url=url)
        self.wait_for("document.readyState === 'complete' && location.href !== 'about:blank'")

    def run(self, script: str) -> Any:
        """Return the value of an expression of JavaScript. Raises AssertionError where it throws."""
        done = self._ask("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in done, done["exceptionDetails"]
        return done["result"].get("value")

    def wait_for(self, condition: str, seconds: float = 20) -> None:
        """Wait until an expression of JavaScript is true."""
        end = time.monotonic() + seconds
        while not self.run(f"!!({condition})"):
            assert time.monotonic() < end, f"not within {seconds} s: {condition}"
            time.sleep(0.05)

    def press(self, key: str, text: str = "") -> None:
        """Press and release a key; `text` is what it types."""
        code = {"key": key, "windowsVirtualKeyCode": _KEYS.get(key, ord(key[0].upper()))}
        self._ask("Input.dispatchKeyEvent", type="keyDown", text=text or (key if len(key) == 1 else ""), **code)
        self._ask("Input.dispatchKeyEvent", type="keyUp", **code)

    def type(self, text: str) -> None:
        """Type a text."""
        for letter in text:
            self.press(letter)

    def click(self, x: float, y: float, count: int = 1) -> None:
        """Click at a place of the window."""
        for number in range(1, count + 1):
            for kind in ("mousePressed", "mouseReleased"):
                self._ask("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=number)

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        """Drag from one place of the window to another."""
        for kind, (x, y) in (("mousePressed", start), ("mouseMoved", end), ("mouseReleased", end)):
            self._ask("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", buttons=1)

    def wheel(self, x: float, y: float, down: float, *, ctrl: bool = False) -> None:
        """Turn the wheel at a place of the window."""
        more = {"deltaX": 0, "deltaY": down, "modifiers": 2 if ctrl else 0}
        self._ask("Input.dispatchMouseEvent", type="mouseWheel", x=x, y=y, **more)

    def resize(self, width: int, height: int, *, dark: bool = False) -> None:
        """Set the size of the window and the preferred colours."""
        self._ask("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        features = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self._ask("Emulation.setEmulatedMedia", features=features)

    def picture(self, path: Path) -> None:
        """Write a picture of the window."""
        path.write_bytes(base64.b64decode(self._ask("Page.captureScreenshot")["data"]))

    def close(self) -> None:
        """End the browser."""
        with contextlib.suppress(OSError, AssertionError):
            self._session = ""
            self._ask("Browser.close")
        self._to.close()
        self._from.close()

    def _ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        number = next(self._numbers)
        message: dict[str, Any] = {"id": number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        self._to.write(json.dumps(message).encode() + b"\0")
        self._to.flush()
        while True:
            answer = self._read()
            if answer.get("id") == number:
                assert "error" not in answer, (method, answer["error"])
                result: dict[str, Any] = answer["result"]
                return result

    def _read(self) -> dict[str, Any]:
        data = bytearray()
        while not data.endswith(b"\0"):
            more = self._from.read(1)
            assert more, "Chromium has ended"
            data += more
        message: dict[str, Any] = json.loads(data[:-1])
        details = message.get("params", {})
        if message.get("method") == "Network.requestWillBeSent":
            self.requests.append(details["request"]["url"])
        elif message.get("method") == "Runtime.consoleAPICalled":
            self.complaints.append(str([each.get("value") for each in details["args"]]))
        elif message.get("method") == "Runtime.exceptionThrown":
            self.complaints.append(json.dumps(details["exceptionDetails"]))
        elif message.get("method") == "Log.entryAdded":
            self.complaints.append(details["entry"]["text"])
        return message


@contextlib.contextmanager
def chromium_session() -> Iterator[Session]:
    """Yield a page of a new Chromium, which ends with the block."""
    assert PROGRAM is not None
    in_reading, in_writing = os.pipe()
    out_reading, out_writing = os.pipe()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        command = [
            *(PROGRAM, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--remote-debugging-pipe"),
            *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars"),
            *(f"--user-data-dir={folder}/profile", "--window-size=1400,1000", "about:blank"),
        ]

        def pipes() -> None:
            os.dup2(in_reading, 3)
            os.dup2(out_writing, 4)

        process = subprocess.Popen(
            command,
            preexec_fn=pipes,
            pass_fds=(3, 4),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(in_reading)
        os.close(out_writing)
        session = Session(out_reading, in_writing)
        try:
            yield session
        finally:
            session.close()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

"""A real browser, told what to do over Chromium's DevTools protocol on a pair of pipes."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.serving import eventually_async

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or ""
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
)

# The browser reads commands from its descriptor 3, and writes answers to 4.
_BECOME = """
import fcntl, os, sys
pipes = [fcntl.fcntl(int(given), fcntl.F_DUPFD, 10) for given in sys.argv[1:3]]
for number, pipe in enumerate(pipes, 3):
    os.dup2(pipe, number)
os.execv(sys.argv[3], sys.argv[3:])
"""

Json = dict[str, Any]


class Tab:
    """One tab; `complaints` is what its console and its policies said."""

    def __init__(self, commands: asyncio.StreamWriter, answers: asyncio.StreamReader) -> None:
        self._commands = commands
        self._answers = answers
        self._last = 0
        self._session = ""
        self.complaints: list[str] = []

    async def begin(self) -> None:
        """A tab of our own; pages in it run no scripts."""
        target = await self.tell("Target.createTarget", url="about:blank")
        session = await self.tell("Target.attachToTarget", flatten=True, **target)
        self._session = session["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            await self.tell(f"{domain}.enable")
        await self.tell("Emulation.setScriptExecutionDisabled", value=True)

    async def tell(self, method: str, **parameters: Any) -> Json:
        """One command, and its answer."""
        self._last += 1
        command = {"id": self._last, "method": method, "params": parameters}
        session = {"sessionId": self._session} if self._session else {}
        self._commands.write(json.dumps({**command, **session}).encode() + b"\0")
        await self._commands.drain()
        while True:
            message = json.loads((await self._answers.readuntil(b"\0"))[:-1])
            if message.get("id") == self._last:
                assert "error" not in message, (method, message)
                result: Json = message["result"]
                return result
            if message.get("method") == "Log.entryAdded":
                entry = message["params"]["entry"]
                self.complaints.append(f"{entry['source']}: {entry['text']}")

    async def look(self, expression: str) -> Any:
        """What a JavaScript expression, which is not the page's, is worth."""
        found = await self.tell("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    async def until(self, expression: str) -> Any:
        """Wait until it is true."""
        return await eventually_async(lambda: self._soon(expression))

    async def _soon(self, expression: str) -> Any:
        return await self.look(f"document.readyState === 'complete' && Boolean({expression})")

    async def show(self, width: int, height: int, *, dark: bool = False) -> None:
        """The window's size, and the customer's taste."""
        await self.tell(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        await self.tell("Emulation.setEmulatedMedia", features=[scheme])

    async def open(self, url: str) -> None:
        """Go to a page, as if its address had been typed."""
        await self.tell("Page.navigate", url=url)
        await self.until("location.href !== 'about:blank'")

    async def click(self, selector: str) -> None:
        """A click of the mouse in the middle of an element, or of a link's first line."""
        place = await self.look(
            f"(e => {{ e.scrollIntoView({{block: 'center'}}); const [r] = e.getClientRects();"
            " return {x: r.x + r.width / 2, y: r.y + r.height / 2} })"
            f"(document.querySelector({json.dumps(selector)}))"
        )
        for kind in ("mousePressed", "mouseReleased"):
            await self.tell(
                "Input.dispatchMouseEvent", type=kind, button="left", clickCount=1, **place
            )

    async def type(self, selector: str, text: str) -> None:
        """Text into a field; of a list, the option that begins with it."""
        await self.look(f"document.querySelector({json.dumps(selector)}).focus()")
        await self.tell("Input.insertText", text=text)

    async def choose(self, selector: str, value: str) -> None:
        """An option of a list."""
        field = f"document.querySelector({json.dumps(selector)})"
        await self.look(f"{field}.value = {json.dumps(value)}")
        assert await self.look(f"{field}.value") == value

    async def picture(self, path: Path) -> None:
        """The whole page, as it is drawn."""
        drawn = await self.tell("Page.captureScreenshot", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(drawn["data"]))


@asynccontextmanager
async def tab(directory: Path) -> AsyncIterator[Tab]:
    """A browser with a profile of its own, and one tab."""
    commands_in, commands_out = os.pipe()
    answers_in, answers_out = os.pipe()
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        _BECOME,
        str(commands_in),
        str(answers_out),
        CHROMIUM,
        *FLAGS,
        "--remote-debugging-pipe",
        f"--user-data-dir={directory / 'profile'}",
        pass_fds=(commands_in, answers_out),
        env={**os.environ, "HOME": str(directory), "LANG": "C.UTF-8"},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    os.close(commands_in)
    os.close(answers_out)
    loop = asyncio.get_running_loop()
    # A page as a picture is one long line.
    reader = asyncio.StreamReader(limit=64 * 1024 * 1024)
    incoming, _ = await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(answers_in, "rb", 0)
    )
    outgoing, protocol = await loop.connect_write_pipe(
        asyncio.streams.FlowControlMixin, os.fdopen(commands_out, "wb", 0)
    )
    try:
        opened = Tab(asyncio.StreamWriter(outgoing, protocol, reader, loop), reader)
        await opened.begin()
        yield opened
        await opened.tell("Browser.close")
    finally:
        outgoing.close()
        incoming.close()
        if process.returncode is None:
            process.terminate()
        await process.wait()

"""One request to an endpoint: bounded in time and bytes, and never sent on to anybody else."""

from __future__ import annotations

import json
import queue
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from email.message import Message
from http import HTTPStatus
from http.client import HTTPException, HTTPResponse
from typing import IO, Any
from urllib.parse import urlsplit

from vetgate.api import Inconclusive
from vetgate_delta.labeller_settings import Settings

MOST_BYTES = 1 << 20
"""Of an answer; a name takes a few."""
CHUNK = 1 << 16
MOST_PAUSE = 20.0
"""Seconds between two tries at most, whatever the endpoint asks for."""
MAY_PASS = (0, 408, 425, 429, 500, 502, 503, 504, 529)
"""Statuses after which another try may succeed; 0 stands for a connection that broke."""
TOLD = 160
"""Characters of an endpoint's own words in a message."""


@dataclass(frozen=True)
class Reply:
    """What came back."""

    status: int
    """0 where the connection broke."""
    content: bytes
    after: float | None = None
    """Seconds that the endpoint asks to wait."""

    @property
    def may_pass(self) -> bool:
        """Return whether another try may succeed."""
        return self.status in MAY_PASS

    def pause(self, attempt: int) -> float:
        """Return the seconds to wait before the next try, in [0, 20]."""
        wished = self.after if self.after is not None else 2.0**attempt
        return min(max(wished, 0.0), MOST_PAUSE)

    def told(self, key: str) -> str:
        """Return the endpoint's own words for what is wrong, harmless, short and without the key; often empty."""
        words = ""
        try:
            found = json.loads(self.content)
            error = found.get("error") if isinstance(found, dict) else None
            message = error.get("message") if isinstance(error, dict) else error
            words = message if isinstance(message, str) else ""
        except (ValueError, RecursionError):
            words = "" if self.status else self.content.decode("utf-8", "replace")
        if key:
            words = words.replace(key, "(key)")
        words = "".join(char if char.isprintable() else " " for char in words)
        return " ".join(words.split())[:TOLD] or _phrase(self.status)


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase if status else "the connection broke"
    except ValueError:
        return ""


class _Stay(urllib.request.HTTPRedirectHandler):
    """Follows nobody: pictures and key were meant for one host, and a redirected POST would lose its body anyway."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str
    ) -> None:
        shown = "".join(char for char in urlsplit(newurl).netloc if char.isprintable())[:80]
        raise Inconclusive(
            f"the labeller at {req.host} sends requests on to {shown or 'another address'}, which is not followed",
            hint="give that address as base-url if you trust it",
        )


@dataclass(frozen=True)
class Server:
    """The endpoint that settings name."""

    settings: Settings
    wait: Callable[[float], object]

    def post(self, body: bytes) -> Reply:
        """Return the reply to one request.

        Raises:
            Inconclusive: It took too long, says too much, or sends on to another address.
        """
        made: queue.SimpleQueue[Reply | Exception] = queue.SimpleQueue()
        # a socket's time-out is for each read, and an endpoint that drips bytes would hold a run for ever: a thread
        # reads, and is left behind when time is up
        threading.Thread(target=self._post, args=(body, made), daemon=True).start()
        try:
            found = made.get(timeout=self.settings.timeout)
        except queue.Empty:
            raise self._too_slow() from None
        if isinstance(found, Exception):
            raise found
        return found

    def _too_slow(self) -> Inconclusive:
        return Inconclusive(f"the labeller at {self.settings.host} did not answer within {self.settings.timeout:g} s")

    def _post(self, body: bytes, made: queue.SimpleQueue[Reply | Exception]) -> None:
        try:
            made.put(self._exchange(body))
        except TimeoutError:
            made.put(self._too_slow())
        except (OSError, HTTPException, ValueError) as error:  # URLError is an OSError
            slow = isinstance(getattr(error, "reason", None), TimeoutError)
            made.put(self._too_slow() if slow else Reply(0, _why(error).encode()))
        except Exception as error:
            made.put(error if isinstance(error, Inconclusive) else Inconclusive(f"the labeller failed: {_why(error)}"))

    def _exchange(self, body: bytes) -> Reply:
        headers = {"Content-Type": "application/json", "Accept": "application/json", "User-Agent": "vetgate"}
        if self.settings.key:
            headers["Authorization"] = f"Bearer {self.settings.key}"
        address = f"{self.settings.base_url}/chat/completions"
        request = urllib.request.Request(address, data=body, headers=headers, method="POST")  # noqa: S310  # http(s) only
        end = time.monotonic() + self.settings.timeout
        # a proxy has no business with what stays on this machine, least of all with its key
        direct = (urllib.request.ProxyHandler({}),) if self.settings.local else ()
        opener = urllib.request.build_opener(_Stay, *direct)
        try:
            response = opener.open(request, timeout=self.settings.timeout)
        except urllib.error.HTTPError as error:
            response = error
        with response:
            return Reply(int(response.status or 0), self._read(response, end), _seconds(response.headers))

    def _read(self, response: HTTPResponse | urllib.error.HTTPError | Any, end: float) -> bytes:  # noqa: ANN401
        content = bytearray()
        while chunk := response.read1(CHUNK):
            content += chunk
            if len(content) > MOST_BYTES:
                raise Inconclusive(f"the labeller at {self.settings.host} answered with more than {MOST_BYTES:,} bytes")
            if time.monotonic() > end:
                raise self._too_slow()
        return bytes(content)


def _seconds(headers: Message) -> float | None:
    try:
        seconds = float(headers.get("Retry-After", ""))
    except ValueError:
        return None
    return seconds if seconds == seconds else None


def _why(error: Exception) -> str:
    reason = getattr(error, "reason", None)
    return f"{type(error).__name__}: {reason if reason is not None else error}"

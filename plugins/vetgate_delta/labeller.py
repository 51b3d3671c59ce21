"""Names regions through any OpenAI-compatible vision endpoint: POST {base-url}/chat/completions with image_url parts.

Nobody is asked unless the user names this labeller and gives it an address and a model. What comes back is a stranger's
text: it is bounded in time, bytes and count, and believed only in the one shape that was asked for.
"""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from vetgate.api import Inconclusive
from vetgate_delta.labeller_post import Reply, Server
from vetgate_delta.labeller_settings import Settings, read_settings

TOKENS_EACH = 24
"""Tokens of an answer, an image."""
TOKENS_MORE = 64
"""And besides."""
TOKENS_READ = 2_500
"""Tokens that one picture with its share of the question is assumed to cost before the first answer tells."""
LONGEST_NAME = 200
"""Characters of one name; more is no name, and an endpoint that gives it is not doing what it was asked to."""
PROMPT = (
    "Each picture shows one image with a region outlined in cyan. Name what part of the object, or what else, lies "
    'inside the outline, in one or two words such as "wheel" or "left ear"; "" if you cannot tell. Answer with a JSON '
    "array of exactly {count} strings, in the order of the pictures, and nothing else."
)


@dataclass
class OpenAILabeller:
    """Implements Labeller. One object counts the cost of a whole run."""

    settings: Settings
    wait: Callable[[float], object] = field(default_factory=lambda: threading.Event().wait)
    requests: int = 0
    """Sent so far, retries included."""
    spent: float = 0.0
    """Money so far, as the endpoint's own counts of tokens make it."""
    _dearest: float = 0.0
    """What one picture has cost at most."""

    @property
    def about(self) -> str:
        """Say who is asked; see vetgate.api.Labeller."""
        return f"{self.settings.model} at {self.settings.host}"

    def name(self, images: Sequence[bytes], labels: Sequence[str]) -> tuple[str, ...]:
        """Return a name for each picture; see vetgate.api.Labeller."""
        names: list[str] = []
        for start in range(0, len(images), self.settings.batch):
            end = start + self.settings.batch
            names += self._ask(images[start:end], labels[start:end])
        return tuple(names)

    def _ask(self, images: Sequence[bytes], labels: Sequence[str]) -> list[str]:
        body = json.dumps(self._question(images, labels)).encode()
        server = Server(self.settings, self.wait)
        for attempt in range(self.settings.retries + 1):
            self._afford(len(images))
            self.requests += 1
            reply = server.post(body)
            if reply.status == 200:
                answer = _object(reply.content)
                self._count_cost(answer, len(images))
                return _names(answer, len(images))
            # a refused request costs nothing by any price list; one that failed half-way is told in `requests`
            if not reply.may_pass or attempt == self.settings.retries:
                raise Inconclusive(self._refusal(reply, attempt))
            self.wait(reply.pause(attempt))
        raise AssertionError("the loop returns or raises")

    def _refusal(self, reply: Reply, attempt: int) -> str:
        tries = f" after {attempt + 1} tries" if attempt else ""
        told = f": {reply.told(self.settings.key)}" if reply.told(self.settings.key) else ""
        return f"the labeller at {self.settings.host} answered with status {reply.status}{tries}{told}"

    def _question(self, images: Sequence[bytes], labels: Sequence[str]) -> dict[str, Any]:
        content: list[dict[str, Any]] = [{"type": "text", "text": PROMPT.format(count=len(images))}]
        for number, (image, label) in enumerate(zip(images, labels, strict=True), start=1):
            shows = f" shows: {label}" if label else ""
            content.append({"type": "text", "text": f"Picture {number}{shows}"})
            address = f"data:image/png;base64,{base64.b64encode(image).decode('ascii')}"
            content.append({"type": "image_url", "image_url": {"url": address}})
        return {
            "model": self.settings.model,
            "messages": [{"role": "user", "content": content}],
            self.settings.limit_field: self._most_tokens(len(images)),
        }

    def _most_tokens(self, images: int) -> int:
        return TOKENS_MORE + TOKENS_EACH * images

    def _afford(self, images: int) -> None:
        """Raise where one more request would be one too many, or could cost more than is left."""
        if self.requests >= self.settings.most_requests:
            raise Inconclusive(f"the labeller's limit of {self.settings.most_requests:,} requests is reached")
        if self.settings.most_cost is None:
            return
        expected = images * self._dearest or self._price(images * TOKENS_READ, self._most_tokens(images))
        if self.spent + expected > self.settings.most_cost:
            raise Inconclusive(
                f"the labeller's limit of {self.settings.most_cost:g} would be passed: {self.spent:.4g} is spent, and "
                f"the next request may cost {expected:.4g}"
            )

    def _price(self, read: int, written: int) -> float:
        return (read * (self.settings.price_in or 0.0) + written * (self.settings.price_out or 0.0)) / 1e6

    def _count_cost(self, answer: Mapping[str, Any], images: int) -> None:
        """Add what an answer cost; without believable counts of tokens under a limit on cost, no more is asked."""
        if self.settings.most_cost is None:
            return
        usage = answer.get("usage")
        counts = [usage.get(key) if isinstance(usage, dict) else None for key in ("prompt_tokens", "completion_tokens")]
        if not all(isinstance(count, int) and not isinstance(count, bool) and count >= 0 for count in counts):
            self.spent = max(self.spent, self.settings.most_cost)
            raise Inconclusive(
                f"the labeller at {self.settings.host} does not say how many tokens it used, so its cost has no limit"
            )
        cost = self._price(int(counts[0] or 0), int(counts[1] or 0))
        self.spent += cost
        self._dearest = max(self._dearest, cost / images)


def make_labeller(settings: Mapping[str, str]) -> OpenAILabeller:
    """Return the labeller that settings describe; nobody is asked yet.

    Raises:
        UsageError: A setting is unknown, missing or bad.
    """
    return OpenAILabeller(read_settings(settings))


def _object(content: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(content)
    except (ValueError, RecursionError):
        raise Inconclusive("the labeller did not answer with JSON") from None
    if not isinstance(answer, dict):
        raise Inconclusive("the labeller's answer has not the form of a chat completion")
    return answer


def _names(answer: Mapping[str, Any], wanted: int) -> list[str]:
    """Return the names in a chat completion, or raise what is wrong with it."""
    try:
        text = answer["choices"][0]["message"]["content"]
    except (KeyError, IndexError, TypeError):
        text = None
    if not isinstance(text, str):
        raise Inconclusive("the labeller's answer has not the form of a chat completion")
    try:
        names = json.loads(_unfenced(text))
    except (ValueError, RecursionError):
        raise Inconclusive("the labeller's answer is not the JSON array that it was asked for") from None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise Inconclusive("the labeller's answer is not an array of strings")
    if len(names) != wanted:
        raise Inconclusive(f"the labeller gave {len(names)} names for {wanted} pictures")
    if any(len(name) > LONGEST_NAME or not name.isprintable() for name in names):
        raise Inconclusive("the labeller's answer holds control characters or endless text in place of a name")
    return [name.strip() for name in names]


def _unfenced(text: str) -> str:
    """Return text without the Markdown fence that models put around JSON."""
    bare = text.strip()
    if bare.startswith("```") and bare.endswith("```") and "\n" in bare:
        return bare[bare.index("\n") : -3]
    return bare

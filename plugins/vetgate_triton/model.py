"""A model on a server, asked for answers."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from vetgate.api import Card, CardError, Execution, Inconclusive, OpenOptions, Port, ServerTimes, UnreadableArtifact
from vetgate_triton.client import Refused, Wanted, as_error
from vetgate_triton.facts import CODES, read_times
from vetgate_triton.share import Region, share

if TYPE_CHECKING:
    from vetgate_triton.backend import Talk

SAME = 8
"""Different images to which a model gives the very same figures before it counts as one that does not look at them."""
_AGAIN = 5.0
"""Seconds after which the server's configuration is looked at anew."""


class TritonModel:
    """Implements Model.

    Args:
        talk: The server.
        card: How the model is fed and read.
        options: The batch size.
        notes: What a reader must know, for the report.

    Raises:
        UnreadableArtifact: It does not take one image and answer with classes.
        CardError: The card contradicts the server.
    """

    def __init__(self, talk: Talk, card: Card, options: OpenOptions, notes: tuple[str, ...]) -> None:
        self._talk, self._card = talk, card
        self._input, self._output = _only_input(talk.model.inputs), _chosen(talk.model.outputs, card)
        most = talk.config.most if talk.config is not None else 0
        _check_shape(self._input, card, batched=True)
        fixed = None if most else self._input.shape[0]
        self._fixed, self._most = fixed, fixed or most or max(1, options.batch_size)
        self._wanted = Wanted(
            model=talk.service.model,
            version=talk.service.version,
            input=self._input.name,
            datatype=CODES[self._input.dtype],
            output=self._output.name,
            binary=talk.binary,
        )
        self._pool = ThreadPoolExecutor(talk.keys.concurrency, thread_name_prefix="ask")
        self._seen = _Seen()
        self._looked = time.monotonic()
        self._lock = threading.Lock()
        self._sent, self._seconds = 0, 0.0
        labels = self._labels()
        self._region, told = self._shared()
        self._execution = Execution(
            runtime=talk.service.server,
            version=talk.service.server_version or "not told",
            provider=talk.model.platform or "not told",
            threads=0,
            precision="not told",
            notes=(*notes, *self._ways(), *labels, *told),
        )

    @property
    def execution(self) -> Execution:
        """What really runs."""
        return self._execution

    def predict(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return raw outputs (N, C); requests of at most as many images as the server takes, several at once."""
        fed = _cast(images, np.dtype(self._input.dtype))
        parts = [fed[start : start + self._most] for start in range(0, len(fed), self._most)]
        answers = [self._ask(parts[0])] if len(parts) == 1 else list(self._pool.map(self._ask, parts))
        if len({answer.shape[1] for answer in answers}) != 1:
            raise UnreadableArtifact("the server answers with another number of classes from request to request")
        raw = np.concatenate(answers)
        self._seen.look(images, raw)
        if time.monotonic() - self._looked > _AGAIN:
            self._talk.look_again()
            self._looked = time.monotonic()
        return raw

    def server_times(self) -> ServerTimes | None:
        """Return what the server has counted of this model; see vetgate.api.CountedModel."""
        service = self._talk.service
        try:
            times = read_times(self._talk.client.statistics(service.model, service.version))
        except Refused:
            return None
        with self._lock:
            return times.model_copy(update={"sent": self._sent, "seconds": self._seconds}) if times else None

    def close(self) -> None:
        """Let go of what it holds."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        if self._region is not None:
            self._region.close()

    def _ask(self, part: NDArray[np.generic]) -> NDArray[np.float32]:
        talk, count = self._talk, len(part)
        if self._fixed is not None and count < self._fixed:
            part = np.concatenate([part, np.repeat(part[-1:], self._fixed - count, axis=0)])
        part = np.ascontiguousarray(part)
        start = time.perf_counter()
        try:
            if self._region is not None and part.nbytes <= self._region.size:
                found = self._region.infer(self._wanted, part)
            else:
                found = talk.client.infer(self._wanted, part)
        except Refused as refused:
            raise as_error(talk.where, "answer", refused) from None
        with self._lock:
            self._sent, self._seconds = self._sent + 1, self._seconds + time.perf_counter() - start
        return _checked(found, len(part), self._output)[:count]

    def _shared(self) -> tuple[Region | None, tuple[str, ...]]:
        if not self._talk.keys.shared:
            return None, ()
        height, width = self._card.input.size
        size = self._most * height * width * self._card.input.channels * np.dtype(self._input.dtype).itemsize
        return share(self._talk, size)

    def _ways(self) -> Iterator[str]:
        batch = (
            f"a fixed batch of {self._fixed}, filled up" if self._fixed is not None else f"up to {self._most} images"
        )
        yield f"{batch} a request, up to {self._talk.keys.concurrency} at once"
        if not self._talk.binary:
            yield "tensors go as numbers in JSON, for the server takes no bytes"
        if np.dtype(self._input.dtype).kind in "iu":
            yield f"the input takes {self._input.dtype}: the card's values are rounded and clipped"

    def _labels(self) -> tuple[str, ...]:
        """Hold the server's class names against the card's.

        Raises:
            CardError: They differ, or stand in another order.
        """
        config, named = self._talk.config, self._card.output.classes
        if config is None or self._output.name not in config.labelled:
            return ()
        told = self._asked_labels()
        ours = named if named is not None and len(named) == len(told) else None
        if named is not None and len(named) + self._card.output.offset == len(told):
            told, ours = told[self._card.output.offset :], named
        if named is not None and ours != told:
            place = next((k for k, pair in enumerate(zip(named, told, strict=False)) if pair[0] != pair[1]), len(named))
            raise CardError(
                f"the card's classes are not the server's labels: they differ first at index {place} "
                f"({_at(named, place)} and {_at(told, place)}; {len(named)} and {len(told)} in all)",
                hint="put the card's classes in the order of the server's label file",
            )
        return (
            (f"{len(told)} class names of the server are the card's",)
            if named
            else (f"the server names {len(told)} classes and the card none: {', '.join(told[:3])}, ...",)
        )

    def _asked_labels(self) -> tuple[str, ...]:
        """Return the server's class names in the order of the outputs; it tells them with an answer alone."""
        shape = (self._fixed or 1, *_image_shape(self._card))
        wanted = Wanted(**{**self._wanted.__dict__, "labels": 1 << 20})
        try:
            found = self._talk.client.infer(wanted, np.zeros(shape, dtype=self._input.dtype))
        except Refused as refused:
            raise as_error(self._talk.where, "tell its class names", refused) from None
        first = found.reshape(len(found), -1)[0] if found.ndim > 1 else found
        texts = [each.decode(errors="replace") if isinstance(each, bytes) else str(each) for each in first.tolist()]
        parts = (text.split(":", 2) for text in texts)
        by_index = {int(each[1]): each[2] for each in parts if len(each) == 3 and each[1].isdecimal()}
        return tuple(by_index.get(index, "") for index in range(len(by_index)))


class _Seen:
    """Tells a model that gives every image the same figures; those it answered are compared over calls."""

    def __init__(self) -> None:
        self._images: set[int] = set()
        self._first: NDArray[np.float32] | None = None
        self._differs = False
        self._lock = threading.Lock()

    def look(self, images: NDArray[np.float32], raw: NDArray[np.float32]) -> None:
        """Take in a batch.

        Raises:
            UnreadableArtifact: So many different images were answered alike.
        """
        if self._differs:
            return
        with self._lock:
            self._first = raw[0] if self._first is None else self._first
            self._differs = bool((raw != self._first).any())
            if not self._differs:
                self._images |= {hash(image.tobytes()) for image in images[:SAME]}
        if not self._differs and len(self._images) >= SAME:
            raise UnreadableArtifact(
                f"the server gave the very same figures for {len(self._images)} different images",
                hint="what it runs does not look at its input; the server's log may say why",
            )


def _at(names: tuple[str, ...], place: int) -> str:
    return repr(names[place]) if place < len(names) else "none"


def _image_shape(card: Card) -> tuple[int, int, int]:
    height, width = card.input.size
    channels = card.input.channels
    return (channels, height, width) if card.input.layout == "NCHW" else (height, width, channels)


def _only_input(ports: tuple[Port, ...]) -> Port:
    if len(ports) != 1:
        raise UnreadableArtifact(f"it takes {len(ports)} inputs; one, the images, is needed")
    if ports[0].dtype not in CODES or ports[0].dtype == "bool":
        raise UnreadableArtifact(f"input {ports[0].name!r} takes {ports[0].dtype}; a tensor of numbers is needed")
    return ports[0]


def _chosen(ports: tuple[Port, ...], card: Card) -> Port:
    names = [port.name for port in ports]
    wanted = card.output.name
    if wanted is None and len(ports) > 1:
        raise CardError(f"it has the outputs {', '.join(names)}", hint="name the one with the classes: output.name")
    if wanted is not None and wanted not in names:
        raise CardError(f"the card names the output {wanted!r}, and the server has {', '.join(names)}")
    return ports[names.index(wanted)] if wanted is not None else ports[0]


def _check_shape(port: Port, card: Card, *, batched: bool) -> None:
    wanted = _image_shape(card)
    have = port.shape[1:] if batched else port.shape
    if len(have) == 3 and all(length in (None, want) for length, want in zip(have, wanted, strict=True)):
        return
    told = " x ".join("?" if length is None else str(length) for length in port.shape)
    said = " x ".join(map(str, wanted))
    if len(port.shape) == 3:
        raise UnreadableArtifact(
            f"input {port.name!r} takes {told}, one image without an axis for a batch",
            hint="max_batch_size above 0 in the server's configuration gives it one",
        )
    raise CardError(
        f"the card says {card.input.layout} images of {said}, but input {port.name!r} takes {told}",
        hint="set size, colour and layout in the card to what the model takes; vetgate inspect MODEL shows it",
    )


def _cast(images: NDArray[np.float32], dtype: np.dtype[np.generic]) -> NDArray[np.generic]:
    if dtype.kind not in "iu":
        return images.astype(dtype, copy=False)
    limits = np.iinfo(dtype.name)
    return np.clip(np.rint(images), limits.min, limits.max).astype(dtype)


def _checked(found: NDArray[np.generic], count: int, port: Port) -> NDArray[np.float32]:
    """Return the answer to so many images as (count, C).

    Raises:
        UnreadableArtifact: It has another shape, or holds no numbers.
        Inconclusive: Some are NaN or infinite.
    """
    shape = found.shape
    if len(shape) > 2 and all(length == 1 for length in shape[2:]):
        shape = shape[:2]
    declared = port.shape[1] if len(port.shape) > 1 else None
    fits = len(shape) == 2 and shape[0] == count and shape[1] > 0 and declared in (None, shape[1])
    if not fits:
        said = " x ".join("?" if length is None else str(length) for length in port.shape)
        raise UnreadableArtifact(
            f"the server answers {count} images with a tensor of {' x '.join(map(str, found.shape)) or 'one number'}; "
            f"its output {port.name!r} is said to be {said}, and (N, classes) is needed"
        )
    if found.dtype.kind not in "fiu":
        raise UnreadableArtifact(f"output {port.name!r} comes as {found.dtype}; numbers are needed")
    raw: NDArray[np.float32] = found.reshape(shape).astype(np.float32)
    if not np.isfinite(raw).all():
        raise Inconclusive(f"output {port.name!r} came with NaN or infinity, so nothing can be made of it")
    return raw

"""Images handed to a server on the same machine in shared memory, where both sides may."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from vetgate.api import Inconclusive
from vetgate_triton.client import Refused, Wanted

if TYPE_CHECKING:
    import mmap

    from vetgate_triton.backend import Talk


class Region:
    """Memory that the server has mapped. One request at a time uses it.

    Args:
        talk: The server.
        name: What it calls the region.
        memory: Ours.
        size: Bytes.
    """

    def __init__(self, talk: Talk, name: str, memory: mmap.mmap, size: int) -> None:
        self._talk, self._name, self._memory = talk, name, memory
        self.size = size
        self._lock = threading.Lock()

    def infer(self, wanted: Wanted, batch: NDArray[np.generic]) -> NDArray[np.generic]:
        """Return the output of a batch, which fits the region."""
        with self._lock:
            view = np.frombuffer(self._memory, dtype=batch.dtype, count=batch.size)
            view[:] = batch.reshape(-1)
            del view
            return self._talk.client.infer(wanted, batch, region=self._name)

    def close(self) -> None:
        """Let the server forget it."""
        try:
            self._talk.client.call(f"v2/systemsharedmemory/region/{self._name}/unregister", {})
        except (Refused, Inconclusive):  # it is gone; its mapping ends with it
            return
        finally:
            self._memory.close()


def share(talk: Talk, size: int) -> tuple[Region | None, tuple[str, ...]]:
    """Return memory that the server has mapped, and a line for the report; None where it goes over the connection."""
    if not talk.line.local:
        return None, ("no memory is shared: the server is not on this machine",)
    try:
        key, memory = talk.line.share(size)
    except ConnectionError as error:
        return None, (f"no memory is shared: {error}",)
    name = key.removeprefix("/")
    told = {"key": key, "offset": 0, "byte_size": size}
    try:
        talk.client.call(f"v2/systemsharedmemory/region/{name}/register", told)
    except (Refused, Inconclusive) as error:
        memory.close()
        said = error.reason if isinstance(error, Refused) else error.message
        return None, (f"no memory is shared: {said}",)
    finally:
        talk.line.forget()
    return Region(talk, name, memory, size), (f"images are handed over in {size / 1e6:.3g} MB of shared memory",)

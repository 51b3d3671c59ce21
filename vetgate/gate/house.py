"""What every model of one run shares, and how many images it is given at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from vetgate.artifacts import Vault
from vetgate.domain.card import Card
from vetgate.domain.deployment import ExecutionOptions
from vetgate.domain.evidence import Severity
from vetgate.domain.model import OpenOptions
from vetgate.domain.policy import Asked, Kinds
from vetgate.domain.request import Limits
from vetgate.gate.sources import Sources
from vetgate.hookspecs import ENTRY_POINT_GROUP
from vetgate.host import Host, Offer
from vetgate.inference.cache import Cache
from vetgate.inference.commission import Entry
from vetgate.inference.memory import SharedBuffer

MOST_IMAGES = 64
PIXELS_AT_A_TIME = 1 << 20


@dataclass(frozen=True)
class Strictness:
    """What the scan of a model may take, and what it must come to before the model is opened."""

    halt_at: Severity = Severity.HIGH
    """A finding at or over this severity keeps the model closed."""
    asked: Asked = "preferred"
    """Whether a model that nobody could scan stays closed as well."""
    artifact: Kinds = "any"
    """Whether a service stays closed as well."""
    seconds: float = Limits().scan_seconds
    memory: int = Limits().scan_memory
    bad_digests: str = ""
    """Text of the user's list of digests that are known to be bad."""


@dataclass(frozen=True)
class House:
    """What every model of one run shares."""

    host: Host
    vault: Vault
    sources: Sources
    """Where the files of models lie that are named with a scheme."""
    cache: Cache
    images: SharedBuffer
    """The ring that all children read from."""
    threads: int
    batch: int | None
    """Images at a time, where the user says so."""
    seconds: float
    """Patience with one answer of a child."""
    memory: int
    """Bytes that a child may take."""
    strictness: Strictness = Strictness()
    threads_asked: int | None = None
    """Threads that the user asks of every model; None where that is left to cards."""
    execution: ExecutionOptions = field(default_factory=ExecutionOptions)
    """What the user asks of how models are run, those of `execution_by_role` aside."""
    execution_by_role: Mapping[str, ExecutionOptions] = field(default_factory=dict)
    serve: str | None = None
    """Who loads candidates into a server of its own."""
    walled: bool = False
    """Whether no process opens a model unless all walls stand around it."""

    def asked_of(self, role: str) -> ExecutionOptions:
        """Return what the user asks of how a model of this role is run."""
        return self.execution_by_role.get(role, self.execution)

    def batch_for(self, card: Card | None) -> int:
        """Return images at a time: as the user says, else what keeps usual networks' activations within 0.3 GB."""
        if self.batch is not None or card is None:
            return self.batch or MOST_IMAGES
        height, width = card.input.size
        fitting = max(1, PIXELS_AT_A_TIME // (height * width))
        return min(MOST_IMAGES, 1 << (fitting.bit_length() - 1))

    def options_for(self, card: Card | None, architecture: str | None) -> OpenOptions:
        """Return how a model is opened: for the larger of the batches that it is fed and deployed with."""
        deployed = card.batch if card is not None else 1
        batch = max(self.batch_for(card), deployed)
        own = card.execution.threads if card is not None and card.execution is not None else None
        return OpenOptions(threads=own or self.threads, batch_size=batch, architecture=architecture)

    def needs_architecture(self, file_format: str | None) -> bool:
        """Return whether files of a format hold weights alone, so that somebody must name their architecture."""
        formats = (known for backend in self.host.backends() for known in backend.formats)
        return any(known.needs_architecture for known in formats if known.name == file_format)


def entry_of(host: Host, offer: Offer) -> Entry:
    """Return where the plugin that makes an offer is loaded from."""
    plugin = host.plugin_of(offer)
    return Entry(plugin=plugin.name, value=plugin.value, group=ENTRY_POINT_GROUP)

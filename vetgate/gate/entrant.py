"""One model on its way through the walk: identified, copied, described, and opened when it must run."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from vetgate.artifacts import CardSource, Vault, find_card, missing_card
from vetgate.domain.artifact import Artifact
from vetgate.domain.check import Subject
from vetgate.domain.errors import Inconclusive, UnreadableArtifact
from vetgate.domain.model import Execution, OpenOptions
from vetgate.domain.report import ModelSummary
from vetgate.domain.structure import Structure
from vetgate.hookspecs import ENTRY_POINT_GROUP
from vetgate.host import Host, Kind, Offer
from vetgate.inference.cache import Cache, key_of
from vetgate.inference.child import Worker
from vetgate.inference.memory import SharedBuffer
from vetgate.inference.message import Start

MOST_IMAGES = 64
PIXELS_AT_A_TIME = 1 << 20


@dataclass(frozen=True)
class House:
    """What every model of one run shares."""

    host: Host
    vault: Vault
    cache: Cache
    images: SharedBuffer
    """The ring that all children read from."""
    threads: int
    batch: int | None
    """Images at a time, where the user says so."""
    seconds: float
    memory: int


class Entrant:
    """One model of a run.

    Args:
        role: `candidate` or `reference`, for messages.
        path: As typed.
        card: The card file that the user named, if any.
        architecture: Code for files that hold only weights, as the user named it.
        house: What the run shares.
    """

    def __init__(self, role: str, path: str, card: str | None, architecture: str | None, house: House) -> None:
        self.role, self.path = role, path
        self._explicit_card, self._architecture = card, architecture
        self._house = house
        self.artifact: Artifact | None = None
        self.card: CardSource | None = None
        self.structure: Structure | None = None
        self.execution: Execution | None = None
        self.from_cache = False
        self._offer: Offer | None = None
        self._worker: Worker | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def name(self) -> str:
        """What messages call it."""
        return f"{self.role} {self.path}"

    def admit(self) -> None:
        """Identify and copy the model, and find its card.

        Raises:
            VetgateError: It cannot be read, nobody here opens it, or its card is malformed.
        """
        artifact = self._house.vault.take(self.path, self._house.host.backends())
        offer = self._house.host.offer(Kind.BACKEND, artifact.backend)
        if offer is None:
            raise UnreadableArtifact(f"{self.name}: backend {artifact.backend!r} is not on offer")
        self.artifact, self._offer = artifact, offer
        offer.require()
        self.card = find_card(self.path, self._explicit_card, None)

    def recall(self) -> None:
        """Take the structure from the cache, or start the child that will be asked for it."""
        self.structure = self._house.cache.structure(self._key("structure"))
        if self.structure is None:
            self.start()

    def describe(self, *, needs_card: bool = True) -> Structure:
        """Return what the file holds; a card that the file carries inside is found here.

        Raises:
            CardError: There is no card, or two disagree.
            VetgateError: The file cannot be described.
        """
        structure = self.structure or self._ask_structure()
        if self.card is None:
            self.card = find_card(self.path, self._explicit_card, structure.metadata)
            if self.card is not None:
                structure = self._ask_structure()
        if self.card is None and needs_card:
            raise missing_card(self.path)
        self.structure = structure
        return structure

    def _ask_structure(self) -> Structure:
        structure = self.start().describe(self.card.card if self.card else None)
        self._house.cache.keep_structure(self._key("structure"), structure)
        return structure

    def start(self) -> Worker:
        """Return the child process, started if there is none yet; nothing is waited for."""
        if self._worker is None:
            artifact, offer = self._settled()
            plugin = self._house.host.plugin_of(offer)
            start = Start(
                plugin=plugin.name,
                value=plugin.value,
                group=ENTRY_POINT_GROUP,
                backend=artifact.backend,
                artifact=artifact,
                options=self._options(),
                memory=self._house.memory,
            )
            self._worker = Worker(self.name, start, self._house.images, self._house.seconds)
        return self._worker

    def open(self) -> Worker:
        """Return the child process with the model open.

        Raises:
            VetgateError: The model cannot be opened.
        """
        worker = self.start()
        if worker.execution is None:
            self.execution = worker.open(self.require_card().card)
        return worker

    def close(self) -> None:
        """End the child process."""
        if self._worker is not None:
            self._worker.close()
            self._worker = None

    def require_card(self) -> CardSource:
        """Return the card.

        Raises:
            CardError: There is none.
        """
        if self.card is None:
            raise missing_card(self.path)
        return self.card

    def subject(self) -> Subject:
        """Return what structure checks see."""
        artifact, _ = self._settled()
        if self.structure is None:
            raise Inconclusive(f"{self.name}: was not described")
        folder = artifact.file.parent
        members = {member.name: folder / member.name for member in artifact.members}
        return Subject(artifact, self.require_card().card, self.structure, members)

    def summary(self) -> ModelSummary:
        """Return what the report says of this model."""
        artifact, card = self.artifact, self.card
        return ModelSummary(
            name=self.path,
            format=artifact.format if artifact else None,
            sha256=artifact.sha256 if artifact else None,
            size=artifact.size if artifact else None,
            members=artifact.members if artifact else (),
            card=card.source if card else None,
            card_sha256=card.sha256 if card else None,
            execution=self.execution,
            from_cache=self.from_cache,
        )

    def answers_key(self) -> str:
        """Return the cache key of this model's answers."""
        return self._key("answers")

    @property
    def versions(self) -> dict[str, str]:
        """Versions of the distributions that open it."""
        return self._offer.versions if self._offer else {}

    def _settled(self) -> tuple[Artifact, Offer]:
        if self.artifact is None or self._offer is None:
            raise Inconclusive(f"{self.name}: was not admitted")
        return self.artifact, self._offer

    @property
    def batch(self) -> int:
        """Images at a time: as the user says, else as many as keep activations of usual networks within some 0.3 GB."""
        if self._house.batch is not None or self.card is None:
            return self._house.batch or MOST_IMAGES
        height, width = self.card.card.input.size
        fitting = max(1, PIXELS_AT_A_TIME // (height * width))
        return min(MOST_IMAGES, 1 << (fitting.bit_length() - 1))

    def _options(self) -> OpenOptions:
        deployed = self.card.card.batch if self.card else 1
        return OpenOptions(
            threads=self._house.threads,
            batch_size=max(self.batch, deployed),
            architecture=self._architecture,
        )

    def _key(self, what: str) -> str:
        artifact, offer = self._settled()
        return key_of(
            {
                "what": what,
                "artifact": artifact.sha256,
                "format": artifact.format,
                "backend": artifact.backend,
                "card": self.card.sha256 if self.card else None,
                "options": self._options().model_dump(),
                "code": _code_digest(self._architecture),
                "versions": offer.versions,
            }
        )


def _code_digest(architecture: str | None) -> str | None:
    """Return the digest of the file that an architecture names, so that an edit of it makes the cache miss."""
    file = Path((architecture or "").rpartition(":")[0])
    return hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else None


Listener = Callable[[str, str, int, int], None]
"""Told (stage, detail, done, total)."""

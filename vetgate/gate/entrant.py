"""One model on its way through the walk: identified, copied, described, and opened when it must run."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from vetgate.artifacts import CardSource, missing_card
from vetgate.domain.artifact import Artifact
from vetgate.domain.card import Card
from vetgate.domain.check import Subject
from vetgate.domain.deployment import Asked
from vetgate.domain.errors import Inconclusive, UnreadableArtifact, VetgateError
from vetgate.domain.model import Execution, OpenOptions
from vetgate.domain.report import ModelSummary
from vetgate.domain.scan import Scanned
from vetgate.domain.scan_rules import CORE_RULES
from vetgate.domain.source import ModelOrigin
from vetgate.domain.structure import Structure
from vetgate.gate.code import pin_code
from vetgate.gate.deployment import choose_backend, require_as_asked, uses_accelerator
from vetgate.gate.house import House
from vetgate.gate.pins import Pins
from vetgate.gate.process import ModelProcess
from vetgate.gate.reading import Reading
from vetgate.gate.scan import foresee_scan, require_safe, scan_artifact, scan_service
from vetgate.gate.serving import OwnServer
from vetgate.hookspecs import ENTRY_POINT_GROUP
from vetgate.host import Kind, Offer
from vetgate.inference.cache import Cache
from vetgate.inference.child import Worker
from vetgate.inference.errand import Tell, unheard
from vetgate.inference.message import Block, Rehearsed, Start


class Entrant:
    """One model of a run.

    Args:
        role: `candidate` or `reference`, for messages.
        path: As typed.
        card: The card file that the user named, if any.
        architecture: Code for files that hold only weights, as the user named it.
        house: What the run shares.
        card_matters: Whether a malformed card is an error; else `card_problem` tells it.
        lender: Whose card it is read by where it has none of its own and both files hold weights alone, in one format.
    """

    def __init__(
        self,
        role: str,
        path: str,
        card: str | None,
        architecture: str | None,
        house: House,
        *,
        card_matters: bool = True,
        lender: Entrant | None = None,
    ) -> None:
        self._lender = lender
        self._reading = Reading(role, path, card, house, matters=card_matters)
        self.role, self.path = role, path
        self._architecture = architecture
        self._named_code = pin_code(architecture) if architecture else None
        self._house = house
        self._loose = secrets.token_hex()
        self.artifact: Artifact | None = None
        self._origin: ModelOrigin | None = None
        self._process = ModelProcess(self.name, house)
        self._server = OwnServer(self.name, path, house, wanted=role == "candidate" and house.serve is not None)
        self.structure: Structure | None = None
        self.execution: Execution | None = None
        self.failure: VetgateError | None = None
        """Why it was not admitted or described; raised again whenever it is asked for."""
        self.from_cache = False
        self.recalled = 0
        """Images whose answers the cache had."""
        self.scanned: Scanned | None = None
        self._described = False
        self._offer: Offer | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
        self._server.close()

    @property
    def name(self) -> str:
        """What messages call it."""
        return f"{self.role} {self.path}"

    @property
    def card(self) -> CardSource | None:
        """Its card, with what the run asks for in place of what it says."""
        return self._reading.card

    @property
    def card_problem(self) -> str:
        """Why its card cannot be read, where that is no error."""
        return self._reading.problem

    @property
    def asked(self) -> tuple[Asked, ...]:
        """Everything that card and run ask of how it is run."""
        return self._reading.asked(threads=self._offer is None or self._offer.spec.threads)

    @property
    def card_as_found(self) -> Card:
        """Its card without what the run asks for.

        Raises:
            CardError: There is none.
        """
        return (self._reading.found or self.require_card()).card

    def admit(self) -> None:
        """Identify and copy the model, and find its card; done once.

        Raises:
            VetgateError: It cannot be read, nobody here opens it, or its card is malformed.
        """
        with self._remembering():
            if self.artifact is None:
                self._admit()

    def _admit(self) -> None:
        artifact = self._take()
        offer = self._house.host.offer(Kind.BACKEND, artifact.backend)
        if offer is None:
            raise UnreadableArtifact(f"{self.name}: backend {artifact.backend!r} is not on offer")
        self.artifact, self._offer = artifact, offer
        self._reading.take(self._find_card(None))
        self._heed_card()
        self._settled()[1].require()

    def _heed_card(self) -> bool:
        """Let the backend that card or run name open the file; return whether that is another one now.

        Raises:
            CardError: No such backend opens this format, or it cannot run it as they ask.
        """
        artifact, offer = self._settled()
        reading = self._reading
        if reading.wanted is None:
            return False
        chosen = choose_backend(self.name, artifact, offer, reading.wanted, self._house.host, reading.run)
        self.artifact, self._offer = artifact.model_copy(update={"backend": chosen.name}), chosen
        return chosen.name != offer.name

    def _find_card(self, metadata: Mapping[str, str] | None) -> CardSource | None:
        return self._reading.find(metadata) or self._lent()

    def _lent(self) -> CardSource | None:
        """Return the lender's card where this file can only be another set of weights for the same code."""
        mine, other = self.artifact, self._lender
        if mine is None or other is None or other.artifact is None or other.card is None:
            return None
        if mine.format != other.artifact.format or not self._house.needs_architecture(mine.format):
            return None
        return _borrowed(other)

    def _take(self) -> Artifact:
        host = self._house.host
        place = self._house.sources.place(self.path)
        self._origin = place.origin
        if place.served is not None:
            served = place.served
            self._server.require_unwanted()
            self._process.door = served.door
            return self._house.vault.note(self.path, served.service, served.backend, served.format)
        try:
            return self._house.vault.take(self.path, host.backends(), place.file)
        except UnreadableArtifact as error:
            troubles = "; ".join(host.troubles())
            raise UnreadableArtifact(
                f"{error.message}{f' ({troubles})' if troubles else ''}", hint=error.hint
            ) from None

    def scan(self, tell: Tell = unheard) -> Scanned:
        """Return what the scan of its file came to; done once, in a child, before anything of it is opened.

        Args:
            tell: Told (what, done, total) of progress.

        Raises:
            Inconclusive: It was not admitted, or there is no room for another process.
        """
        with self._remembering():
            if self.scanned is None:
                self.scanned = self._scan(tell)
            return self.scanned

    def scan_unopened(self, tell: Tell = unheard) -> Scanned | None:
        """Return what scanners found in a file that was refused because nobody can open it.

        None where it was not refused for that, or nothing was found: that it is unknown is told already.

        Args:
            tell: Told (what, done, total) of progress.
        """
        if self.artifact is not None or not isinstance(self.failure, UnreadableArtifact):
            return None
        house = self._house
        try:
            held = house.vault.hold(self.path, house.host.backends(), house.sources.place(self.path).file)
            scanned = scan_artifact(
                self.name, held, house.host, house.vault, house.strictness, tell, walled=house.walled
            )
        except Inconclusive:  # why the model stays closed is told already
            return None
        told = {rule.id for rule in CORE_RULES}
        if any(finding.rule not in told for finding in scanned.findings):
            self.scanned = scanned
        return self.scanned

    def foresee_scan(self) -> str:
        """Return why it could not be scanned although it must be, without scanning it; empty where it could."""
        return foresee_scan(self.name, self.require_artifact(), self._house.host, self._house.strictness)

    def _scan(self, tell: Tell) -> Scanned:
        house = self._house
        artifact, walled = self.require_artifact(), house.walled
        if artifact.service is not None:
            return scan_service(self.name)
        return scan_artifact(self.name, artifact, house.host, house.vault, house.strictness, tell, walled=walled)

    def require_safe(self) -> None:
        """Make sure that its file was scanned, may be opened, and is what was scanned.

        Raises:
            Unsafe: The scan found something at or over the limit.
            Inconclusive: Nobody could scan it and somebody must, the scan failed, or its copy was changed since.
        """
        scanned = self.scan()
        require_safe(self.name, scanned, self._house.strictness)
        self._house.vault.require_untouched(self.require_artifact())

    def recall(self, *, start: bool = True) -> None:
        """Take the structure from the cache, or start the child that will be asked for it.

        Args:
            start: Whether to; without, a card inside the file is known only where the cache tells it.
        """
        with self._remembering():
            self.structure = self.structure or self.cache.structure(self._key("structure"))
            if self.structure is None and start:
                self.start()
            elif self.structure is not None and not start:
                self._reading.take(self._find_card(self.structure.metadata))

    def describe(self, *, needs_card: bool = True) -> Structure:
        """Return what the file holds; a card that the file carries inside is found here. Done once.

        Raises:
            CardError: There is no card, or two disagree.
            VetgateError: The file cannot be described.
        """
        with self._remembering():
            if not self._described:
                self.structure = self._settle_card(self.structure or self._ask_structure())
                self._described = True
            if self.card is None and needs_card:
                raise missing_card(self.path)
            return self.structure or self._ask_structure()

    def _settle_card(self, structure: Structure) -> Structure:
        """Look for a card inside the file as well; one that changes how the file is read has it described again."""
        before = self.card
        self._reading.take(self._find_card(structure.metadata))
        if (self.card and self.card.sha256) == (before and before.sha256):
            return structure
        if self._heed_card():
            self._settled()[1].require()
        self.close()  # a child is started for the batch that the card names
        return self.cache.structure(self._key("structure")) or self._ask_structure()

    def _ask_structure(self) -> Structure:
        structure = self.start().describe(self.card.card if self.card else None)
        self.cache.keep_structure(self._key("structure"), structure)
        return structure

    @contextmanager
    def _remembering(self) -> Iterator[None]:
        """Raise what went wrong before, for a file that failed once is not asked again; else note what goes wrong."""
        if self.failure is not None:
            raise self.failure
        try:
            yield
        except VetgateError as error:
            self.failure = error
            raise

    def start(self) -> Worker:
        """Return the child process, started if none lives; nothing is waited for."""
        return self._process.start(self._order)

    def _order(self) -> Start:
        self.require_safe()
        artifact, offer = self._server.held or self._settled()
        plugin = self._house.host.plugin_of(offer)
        return Start(
            plugin=plugin.name,
            value=plugin.value,
            group=ENTRY_POINT_GROUP,
            backend=artifact.backend,
            artifact=artifact,
            options=self._options(),
            memory=self._house.memory,
            accelerators=self._server.held is None and uses_accelerator(offer, self._reading.wanted),
        )

    def open(self) -> Worker:
        """Return the child process with the model open.

        Raises:
            VetgateError: The model cannot be opened, or does not run as card or run ask.
        """
        self._load_into_server()
        worker = self.start()
        card = self.require_card().card
        ran = worker.execution or worker.open(card)
        self.execution = ran
        require_as_asked(self.name, card.execution, ran)
        return worker

    def _load_into_server(self) -> None:
        """Let a server of its own hold the file from now on, where the user asks for that; done once.

        Raises:
            VetgateError: There is none, it does not load the file, or the policy requires walls.
        """
        if not self._is_to_be_served or self._server.held is not None:
            return
        self.close()
        self.require_safe()
        self._process.door = self._server.load(self.require_artifact(), self.describe, self._reading.wanted)

    def require_servable(self) -> None:
        """Make sure that nothing that is known of it keeps it from the server that the user asks for, if any.

        Raises:
            VetgateError: Something does.
        """
        if self._is_to_be_served:
            self._server.require_loadable(self.require_artifact(), self._reading.wanted)

    @property
    def answers_by(self) -> str:
        """Name of the backend that asks it for answers; of a server that is to hold it, as far as that is known."""
        serve = self._house.serve
        if serve is not None and self._is_to_be_served and self._house.host.offer(Kind.BACKEND, serve) is not None:
            return serve
        return self.require_artifact().backend

    @property
    def _is_to_be_served(self) -> bool:
        return self._server.wanted and self.artifact is not None and self.artifact.service is None

    def rehearse(self, block: Block) -> Rehearsed:
        """Return what it takes from nothing to the answer of a block, in a process of its own that is then ended.

        Raises:
            VetgateError: The model cannot be opened, or does not answer.
        """
        self._load_into_server()
        with self._process.start_cold(self._order()) as worker:
            return worker.rehearse(self.require_card().card, block)

    def borrow_card(self, other: Entrant) -> None:
        """Read this model by another one's card; for a build of the same model that has none of its own.

        How the other is run is not how a build in another format is.
        """
        theirs = _borrowed(other)
        if self.require_artifact().format != other.require_artifact().format:
            theirs = replace(theirs, card=theirs.card.model_copy(update={"execution": None}))
        self._reading.take(theirs)
        self._heed_card()
        self.close()  # a child is started for the batch that the card names

    def close(self) -> None:
        """End the child process."""
        self._process.close()

    def require_card(self) -> CardSource:
        """Return the card.

        Raises:
            CardError: There is none.
        """
        if self.card is None:
            raise missing_card(self.path)
        return self.card

    def require_artifact(self) -> Artifact:
        """Return the file as it was taken in.

        Raises:
            Inconclusive: It was not admitted.
        """
        return self._settled()[0]

    @property
    def lacks_architecture(self) -> bool:
        """Whether it holds weights alone, and neither the user nor a card that is known names their architecture."""
        artifact, _ = self._settled()
        named = self._architecture or (self.card is not None and self.card.card.architecture)
        return not named and self._house.needs_architecture(artifact.format)

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
            origin=self._origin,
            format=artifact.format if artifact else None,
            sha256=artifact.sha256 if artifact and artifact.service is None else None,
            size=artifact.size if artifact and artifact.service is None else None,
            members=artifact.members if artifact else (),
            service=self._server.held[0].service if self._server.held else artifact.service if artifact else None,
            card=card.source if card else None,
            card_sha256=card.sha256 if card else None,
            card_files=card.files if card else (),
            asked=self.asked,
            execution=self.execution,
            from_cache=self.from_cache,
            recalled=self.recalled or None,
            scan=self.scanned.summary if self.scanned else None,
            walls=(*self._process.walls, *self._server.walls),
            answered=self._process.answered or None,
        )

    def answers_key(self, reader: Mapping[str, str]) -> str:
        """Return the cache key of this model's answers to images that `reader` decodes."""
        return self._key("answers", reader=dict(reader))

    def key(self, what: str, **more: object) -> str:
        """Return the digest of all that this model's answers depend on; of one run alone, where its code is not pinned.

        Args:
            what: The key is for.
            more: What else it depends on.
        """
        loose = {} if self._code is not None else {"run": self._loose}
        return self._key(what, **more, **loose)

    @property
    def cache(self) -> Cache:
        """The cache, switched off for a model whose code cannot be pinned, and for a service, whose weights cannot be.

        Version and configuration of a service stay as they are when somebody puts other weights in place and loads
        them: answers that were kept would let them pass. Nor does anything pin an accelerator and its driver.
        """
        return self._house.cache if self._code is not None else Cache(Path(), enabled=False)

    @property
    def _code(self) -> str | None:
        if self._is_to_be_served or (self.artifact is not None and self.artifact.service is not None):
            return None
        if self._offer is not None and uses_accelerator(self._offer, self._reading.wanted):
            return None
        if self._architecture:
            return self._named_code
        return pin_code(self.card.card.architecture if self.card else None)

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
        """Images at a time."""
        return self._house.batch_for(self.card.card if self.card else None)

    def _options(self) -> OpenOptions:
        return self._house.options_for(self.card.card if self.card else None, self._architecture)

    def _key(self, what: str, **more: object) -> str:
        artifact, offer = self._settled()
        card = self.card.sha256 if self.card else None
        return Pins(artifact, card, self._options(), self._reading.wanted, self._code, offer.versions).key(what, **more)


def _borrowed(other: Entrant) -> CardSource:
    theirs = other.require_card()
    return CardSource(other.card_as_found, f"{theirs.source} (the {other.role}'s)", theirs.sha256, theirs.files)

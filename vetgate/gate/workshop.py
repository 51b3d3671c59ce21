"""Making variants: each step of a recipe in a child of its own, from what the step before it wrote."""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import yaml

from vetgate import environment
from vetgate.artifacts.vault import tell_format
from vetgate.domain.card import Card, Training
from vetgate.domain.compress import Made, Recipe, Step, Takes, Wants
from vetgate.domain.errors import CardError, MissingExtra, UsageError, VetgateError, WorkerFailed
from vetgate.domain.request import StudyRequest
from vetgate.domain.specs import CompressorSpec
from vetgate.domain.study import Variant
from vetgate.gate.code import pin_code
from vetgate.gate.entrant import Entrant
from vetgate.gate.house import entry_of
from vetgate.gate.lending import lend
from vetgate.gate.material import Stock
from vetgate.gate.recipes import EXPORT, Given, lacking
from vetgate.gate.run import Run
from vetgate.gate.scan import scan_first
from vetgate.gate.shelf import STEPS, Shelf, Shelved
from vetgate.host import Kind, Offer
from vetgate.inference.cache import key_of
from vetgate.inference.commission import Commission, Loan
from vetgate.inference.making import NoLiveModule, Refused, make
from vetgate.probing import probe

ONNX = "onnx"
"""Format id of what steps hand on; a reference of this format needs no export."""


@dataclass(frozen=True)
class Models:
    """The trained models that steps may take."""

    reference: Entrant
    donor: Entrant | None
    initial: Entrant | None


class Workshop:
    """Makes the variants of one reference, those aside that an earlier run made of the same things.

    Args:
        request: The study.
        run: Its run, which names no candidates.
        models: Admitted; the reference is described.
        stock: What to train and calibrate on.
        shelf: Where variants go.
    """

    def __init__(self, request: StudyRequest, run: Run, models: Models, stock: Stock, shelf: Shelf) -> None:
        self._run, self._models, self._stock, self._shelf = run, models, stock, shelf
        self._threads = request.run.threads or environment.cores()
        self._no_module = ""
        """Why the reference is no live module, once a step has found out."""
        self._count = 0
        self._known: dict[str, Shelved] = {}
        """What this run made or found, by what it was made of."""
        named = request.run.architecture or models.reference.require_card().card.architecture
        self._code = pin_code(named) or secrets.token_hex()

    def make_all(self, recipes: Sequence[Recipe]) -> tuple[Variant, ...]:
        """Return a variant for each recipe; one that cannot be made does not stop the others."""
        given = Given(self._stock.labelled, self._stock.calibration is not None, self._models.donor is not None)
        variants = []
        for place, recipe in enumerate(recipes, start=1):
            where = f"{recipe.name} ({place} of {len(recipes)})"
            self._run.tell("make", where)
            lack = lacking(recipe, given, self._run.host)
            if lack:
                variants.append(Variant(recipe=recipe, file=None, problem=lack, skipped=True))
            else:
                variants.append(self._attempt(recipe, where))
        return tuple(variants)

    def _attempt(self, recipe: Recipe, where: str) -> Variant:
        try:
            return self._make(recipe, where)
        except (NoLiveModule, MissingExtra) as error:
            return Variant(recipe=recipe, file=None, problem=_told(error, recipe), skipped=True)
        except VetgateError as error:
            refused = isinstance(error, Refused)
            return Variant(recipe=recipe, file=None, problem=_told(error, recipe), refused=refused)

    def _make(self, recipe: Recipe, where: str) -> Variant:
        """Make what is not on the shelf yet, step by step.

        Raises:
            VetgateError: A step failed.
        """
        steps = self._steps(recipe)
        key = self._key(steps)
        found = self._shelf.find(recipe.name, key)
        reused = found is not None
        if found is None:
            parts, made, seconds = self._chain(recipe, steps, where)
            found = self._shelf.put(recipe.name, key, parts, made, seconds, self._card(made))
        self._known.setdefault(key, found)
        note = found.note
        return Variant(recipe=recipe, file=found.file.name, made=note.made, seconds=note.seconds, reused=reused)

    def _steps(self, recipe: Recipe) -> tuple[Step, ...]:
        """Return the steps, with the export before them where the first takes an ONNX file and there is none."""
        takes = self._offer(recipe.steps[0]).spec.takes
        reference = self._models.reference.artifact
        if takes is Takes.MODULE or (reference is not None and reference.format == ONNX):
            return recipe.steps
        return (Step(compressor=EXPORT), *recipe.steps)

    def _chain(self, recipe: Recipe, steps: tuple[Step, ...], where: str) -> tuple[list[Path], Made, float]:
        """Return the files that steps leave, what all of them report, and the seconds; made once in a run."""
        known = self._known.get(self._key(steps))
        if known is not None:
            return known.parts, known.note.made, known.note.seconds
        source, made, seconds = self._models.reference.require_artifact().file, Made(), 0.0
        if len(steps) > 1:
            before = self._between(recipe, steps[:-1], where)
            source, made, seconds = before.file, before.note.made, before.note.seconds
            if steps[:-1] == (Step(compressor=EXPORT),):  # what is said of an unchanged model holds no longer
                made = made.model_copy(update={"notes": ()})
        parts, last, spent = self._step(recipe, steps[-1], source, where)
        return parts, _joined(made, last), seconds + spent

    def _between(self, recipe: Recipe, steps: tuple[Step, ...], where: str) -> Shelved:
        """Return what steps before the last leave; made once for all recipes that begin alike."""
        key = self._key(steps)
        name = f"{STEPS}/{key[:16]}"
        found = self._known.get(key) or self._shelf.find(name, key)
        if found is None:
            parts, made, seconds = self._chain(recipe, steps, where)
            found = self._shelf.put(name, key, parts, made, seconds, "")
        self._known[key] = found
        return found

    def _step(self, recipe: Recipe, step: Step, source: Path, where: str) -> tuple[list[Path], Made, float]:
        """Let a child make one step; return the files that it wrote, what it reports, and the seconds.

        Raises:
            VetgateError: It failed, or wrote what no backend recognises.
        """
        offer = self._offer(step)
        if offer.spec.takes is Takes.MODULE and self._no_module:
            raise NoLiveModule(self._no_module)
        offer.require()
        output = self._room() / f"{recipe.name}.onnx"
        tell = _Teller(self._run, where)
        start = time.perf_counter()
        try:
            made = make(
                recipe.name,
                self._commission(offer, step, source, output, tell),
                self._run.request.limits.seconds,
                tell,
                strict=self._run.house.walled,
            )
        except NoLiveModule as error:
            self._no_module = error.message.partition(": ")[2]
            raise
        return _parts(output, step, self._run), made, time.perf_counter() - start

    def _commission(self, offer: Offer, step: Step, source: Path, output: Path, tell: _Teller) -> Commission:
        spec: CompressorSpec = offer.spec
        wants, models = {*spec.wants, *spec.uses}, self._models
        reference = self._lend(models.reference)
        lay_out = self._stock.lay_out
        structure = models.reference.structure
        training = lay_out("training", reference.card, structure, tell) if Wants.TRAINING in wants else None
        calibration = lay_out("calibration", reference.card, structure, tell) if Wants.CALIBRATION in wants else None
        return Commission(
            entry=entry_of(self._run.host, offer),
            compressor=spec.name,
            source=str(source),
            output=str(output),
            reference=reference,
            donor=self._lend(models.donor) if models.donor and Wants.DONOR in wants else None,
            initial=self._lend(models.initial) if models.initial and Wants.TRAINING in wants else None,
            training=training,
            calibration=calibration,
            settings=step.settings,
            seed=self._run.request.seed,
            threads=self._threads,
            memory=self._run.house.memory,
        )

    def _lend(self, model: Entrant) -> Loan:
        return lend(model, self._run.house, self._run.request.architecture, self._threads)

    def _offer(self, step: Step) -> Offer:
        offer = self._run.host.offer(Kind.COMPRESSOR, step.compressor)
        if offer is None:
            raise MissingExtra(f"no plugin offers the compressor {step.compressor!r}")
        return offer

    def _room(self) -> Path:
        """Return a new private folder."""
        self._count += 1
        folder = self._run.house.vault.folder / f"bench{self._count}"
        folder.mkdir(mode=0o700)
        return folder

    def _card(self, made: Made) -> str:
        """Return the variant's card: the reference's, with the training that it took instead of the reference's."""
        card = self._models.reference.card_as_found
        training = None
        if made.training_seconds and made.epochs and made.images:
            training = Training(seconds=made.training_seconds, epochs=made.epochs, images=made.images)
        return write_card(card.model_copy(update={"architecture": None, "training": training}))

    def _key(self, steps: tuple[Step, ...]) -> str:
        """Return the digest of everything that these steps' work depends on; of one run, where no code is pinned."""
        offers = [self._offer(step) for step in steps]
        wants = {want for offer in offers for want in (*offer.spec.wants, *offer.spec.uses)}
        stock, models = self._stock, self._models
        reference = models.reference
        return key_of(
            {
                "what": "variant",
                "core": {name: metadata.version(name) for name in ("vetgate", "numpy")},
                "reference": reference.require_artifact().sha256,
                "card": reference.require_card().sha256,
                "code": self._code,
                "steps": [step.model_dump() for step in steps],
                "versions": [reference.versions, *(offer.versions for offer in offers)],
                "seed": self._run.request.seed,
                "training": stock.training.sha256 if stock.training and Wants.TRAINING in wants else None,
                "calibration": stock.calibration.sha256 if stock.calibration and Wants.CALIBRATION in wants else None,
                "donor": _digests(models.donor) if Wants.DONOR in wants else None,
                "initial": _digests(models.initial) if Wants.TRAINING in wants else None,
            }
        )


class _Teller:
    """Tells the run how far a variant is."""

    def __init__(self, run: Run, where: str) -> None:
        self._run, self._where = run, where

    def __call__(self, what: str, done: int, total: int) -> None:
        self._run.tell("make", f"{self._where}: {what}", done, total)


def _digests(model: Entrant | None) -> tuple[str, str] | None:
    return None if model is None else (model.require_artifact().sha256, model.require_card().sha256)


def _told(error: VetgateError, recipe: Recipe) -> str:
    message = error.message.removeprefix(f"{recipe.name}: ")
    return f"{message}; {error.hint}" if error.hint else message


def _joined(one: Made, other: Made) -> Made:
    """Return what two steps in sequence report together; training in both adds up."""
    seconds = [made.training_seconds for made in (one, other) if made.training_seconds is not None]
    trained = other if other.training_seconds is not None else one
    return Made(
        notes=(*one.notes, *other.notes),
        training_seconds=sum(seconds) if seconds else None,
        epochs=trained.epochs,
        images=trained.images,
    )


def _parts(output: Path, step: Step, run: Run) -> list[Path]:
    """Return the files of what a compressor wrote, the model file first.

    Raises:
        WorkerFailed: It wrote nothing, or what no backend recognises.
    """
    if not output.is_file() or not output.stat().st_size:
        raise WorkerFailed(f"{step.compressor} says that it is done and wrote nothing")
    try:
        _, known = tell_format(probe(output), output.name, run.host.backends())
        names = known.members(output) if known.members is not None else ()
    except (VetgateError, OSError) as error:
        raise WorkerFailed(f"{step.compressor} wrote what no backend here can read: {error}") from None
    except Exception as error:  # a parser of a stranger may raise anything on a malformed file
        raise WorkerFailed(f"{step.compressor} wrote a file whose parts cannot be told: {error}") from None
    parts = [output.parent / name for name in names]
    strange = [name for name in names if not Path(name).name.startswith(output.stem) or ".." in Path(name).parts]
    if strange or not all(part.is_file() for part in parts):
        raise WorkerFailed(f"{step.compressor} wrote a file with parts that do not bear its name: {', '.join(names)}")
    return [output, *parts]


def _require_architecture(model: Entrant) -> None:
    if model.lacks_architecture:
        raise CardError(
            f"{model.name} holds weights alone, and nothing names their architecture",
            hint="pass --architecture, or write `architecture: torchvision/NAME` or `timm/NAME` in its card",
        )


def write_card(card: Card) -> str:
    """Return a card as YAML that reads back as the same card."""
    return yaml.safe_dump(card.model_dump(mode="json", exclude_none=True), sort_keys=False, default_flow_style=None)


def admit(request: StudyRequest, run: Run) -> Models:
    """Return the models that steps may take, identified and copied; the reference is described.

    Raises:
        UsageError: A path does not exist, or a file is given that is the reference itself.
        CardError: A model has no card, or holds weights alone and nothing names their architecture.
        VetgateError: A model cannot be read.
    """
    own, house = request.run, run.house
    reference = Entrant("reference", own.reference, own.reference_card, own.architecture, house)
    reference.admit()
    scan_first(reference, run)
    reference.recall()
    reference.describe()
    reference.close()
    _require_architecture(reference)
    others = []
    for role, path, card in (("donor", request.donor, request.donor_card), ("initial", request.initial, None)):
        entrant = Entrant(role, path, card, own.architecture, house, lender=reference) if path else None
        if entrant is not None:
            entrant.admit()
            scan_first(entrant, run)
            entrant.require_card()
            _require_architecture(entrant)
            if entrant.require_artifact().sha256 == reference.require_artifact().sha256:
                raise UsageError(f"--{role} {path} is the reference itself")
        others.append(entrant)
    return Models(reference, *others)

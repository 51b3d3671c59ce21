"""One run of the gate: what was asked, and what its steps share."""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field

from vetgate import environment
from vetgate.artifacts import Vault
from vetgate.domain.check import Need
from vetgate.domain.deployment import ExecutionOptions
from vetgate.domain.errors import Inconclusive, MissingExtra, PolicyError
from vetgate.domain.evidence import Evidence
from vetgate.domain.policy import Policy
from vetgate.domain.report import Stopping
from vetgate.domain.request import RunRequest
from vetgate.domain.specs import Event
from vetgate.domain.verdict import Verdict
from vetgate.gate.answers import Sitting
from vetgate.gate.baseline import Baseline, load_baseline
from vetgate.gate.data import Images, open_images
from vetgate.gate.entrant import Entrant
from vetgate.gate.gallery import Thumbnails
from vetgate.gate.house import House, Strictness
from vetgate.gate.hygiene import Sets
from vetgate.gate.scan import read_bad_digests
from vetgate.gate.serving import require_serving
from vetgate.gate.sources import Sources
from vetgate.gate.supplies import Supplies
from vetgate.gate.yardstick import LoadedYardstick, load_yardstick
from vetgate.host import Host, Kind
from vetgate.inference.cache import Cache, cache_folder
from vetgate.inference.memory import SharedBuffer
from vetgate.measure import Given, Plan, find_holding, make_plan
from vetgate.policy import LoadedPolicy, Part, judge, load, open_rules

Watch = Callable[[Event], None]

LAYERS = ("similarity.layer_snr", "similarity.feature_cka")
"""What --layers asks for."""
_NOTHING = hashlib.sha256(b"").hexdigest()
_NO_RULES = LoadedPolicy(Policy(name="none", rules=(), sha256=_NOTHING), "none: nothing is judged")


@dataclass
class Run:
    """One run of the gate: what was asked, what is shared, and what readers must be told besides."""

    request: RunRequest
    host: Host
    policy: LoadedPolicy
    plan: Plan
    house: House
    sitting: Sitting | None
    today: datetime.date
    watch: Watch
    timed: Entrant | None = None
    """What is timed in place of the reference, where the user names it."""
    warnings: list[str] = field(default_factory=list)
    baseline: Baseline | None = None
    """The saved report that rules may compare with."""
    yardstick: LoadedYardstick | None = None
    """What functional distances are held against."""
    supplies: Supplies | None = None
    """What checks that train are given; None where none of them runs."""
    sets: Sets | None = None
    """What checks of the images themselves are given; None where none of them runs."""
    thumbnails: Thumbnails | None = None
    """Small pictures of the images, for galleries; None without images."""

    def tell(self, stage: str, detail: str, done: int = 0, total: int = 0) -> None:
        """Tell progress bars and observers where the walk is."""
        event = Event(stage, detail, done, total)
        self.watch(event)
        self.warnings += [line for line in self.host.tell(event) if line not in self.warnings]

    def require_readable(self) -> None:
        """Warn of images that cannot be decoded.

        Raises:
            Inconclusive: They are more than allowed.
        """
        sitting = self.sitting
        if sitting is None or not sitting.unread:
            return
        bad, first = len(sitting.unread), sitting.unread[0]
        why = sitting.unreadable[first]
        told = f"{bad} of {sitting.used} images cannot be read, the first {sitting.images.ids[first]!r}: {why}"
        if bad / sitting.used > self.request.limits.unreadable:
            allowed = f"{self.request.limits.unreadable:.2%} may be unreadable"
            raise Inconclusive(f"{told} ({allowed})", hint="mend them or set --max-unreadable")
        self.warn(told)

    def caution(self, reference: Entrant) -> None:
        """Warn that labels were matched by index where only one side names its classes: that is an assumption."""
        if self.sitting is None:
            return
        samples = self.sitting.images.samples
        named = reference.require_card().card.output.classes
        if samples.labels is not None and (named is None) != (samples.classes is None):
            who, other = ("the data set", "the reference's card")
            if named is not None:
                who, other = other, who
            self.warn(f"{who} names its classes and {other} does not: labels were matched by index")

    def warn(self, told: str) -> None:
        """Note what readers of all reports of this run must be told, once."""
        if told and told not in self.warnings:
            self.warnings.append(told)

    def judge(self, evidence: Sequence[Evidence], part: Part | None = None, unwalled: Sequence[str] = ()) -> Verdict:
        """Return the verdict on evidence.

        Args:
            evidence: What was found.
            part: What it is a part of, where not all images were taken.
            unwalled: Which models' processes lacked a wall.
        """
        return judge_by(self.policy.policy, evidence, self.host, self.today, part, unwalled)

    def open_rules(self, evidence: Sequence[Evidence], part: Part) -> tuple[str, ...]:
        """Return the rules that more images could still settle."""
        return open_rules(self.policy.policy, evidence, self.host.metrics(), _owners(self.host), part)


def _owners(host: Host) -> dict[str, str]:
    return {metric.id: check.name for check in host.checks() for metric in check.metrics}


def part_of(stopping: Stopping | None, policy: Policy, host: Host) -> Part | None:
    """Return what the evidence of a run is a part of, for a policy to be judged by; None where all was taken."""
    if stopping is None or not stopping.early:
        return None
    return Part(stopping.population, find_holding(policy, host.checks()))


def judge_by(
    policy: Policy,
    evidence: Sequence[Evidence],
    host: Host,
    today: datetime.date,
    part: Part | None,
    unwalled: Sequence[str] = (),
) -> Verdict:
    """Return the verdict on evidence, with everything that the judge must know of the checks on offer."""
    return judge(
        policy,
        evidence,
        today=today,
        metrics=host.metrics(),
        owners=_owners(host),
        always=tuple(check.name for check in host.checks() if check.always),
        part=part,
        unwalled=unwalled,
    )


@contextmanager
def prepare(
    request: RunRequest,
    host: Host,
    now: datetime.datetime,
    watch: Watch,
    *,
    wanted: tuple[str, ...] | None = None,
    judged: bool = False,
    cache: Cache | None = None,
    more: Sequence[str | None] = (),
) -> Iterator[Run]:
    """Load the policy, open the data, plan, and make room for models.

    Args:
        request: What the user asks.
        host: The plugins.
        now: When the run started.
        watch: Told of every step.
        wanted: Metrics to measure without any policy, so that nothing is judged; None for the request's policy.
        judged: Whether the request's policy is asked besides what is wanted.
        cache: Where answers are kept; None for the user's, unless the request switches that off.
        more: Models besides those of the request that will be asked for.
    """
    policy = _load_policy(request.policy, host) if wanted is None or judged else _NO_RULES
    baseline = load_baseline(request.baseline) if request.baseline is not None else None
    yardstick = load_yardstick(request.yardstick, checkpoints=False) if request.yardstick is not None else None
    with ExitStack() as stack:
        require_serving(request.serve, host)
        vault = stack.enter_context(Vault())
        sources = Sources(host, vault, request.limits, watch)
        sources.gather((*request.candidates, request.reference, *filter(None, (request.latency_reference, *more))))
        images = _open_images(request, host)
        if yardstick is not None and images is not None:
            yardstick.require_images(images, request.limits.unreadable)
        house = House(
            host=host,
            vault=vault,
            sources=sources,
            cache=cache or Cache(cache_folder(), enabled=request.cache),
            images=stack.enter_context(SharedBuffer(sole=True)),
            threads=request.threads or max(1, environment.cores() // 2),
            threads_asked=request.threads,
            execution=request.execution,
            execution_by_role={
                "reference": request.reference_execution,
                "latency reference": request.latency_reference_execution,
                **dict.fromkeys(("donor", "initial"), ExecutionOptions()),
            },
            batch=request.batch_size,
            seconds=request.limits.seconds,
            memory=request.limits.memory or environment.memory() * 3 // 4,
            serve=request.serve,
            walled=policy.policy.isolation == "required",
            strictness=Strictness(
                halt_at=policy.policy.halt_at,
                asked=policy.policy.scan,
                artifact=policy.policy.artifact,
                seconds=request.limits.scan_seconds,
                memory=request.limits.scan_memory,
                bad_digests=read_bad_digests(request.bad_digests),
            ),
        )
        plan = _plan(policy.policy, host, images, request, baseline, wanted or ())
        sitting = Sitting(images, house, plan.columns) if images else None
        timed = _latency_reference(request, house)
        if timed is not None:
            stack.enter_context(timed)
        supplies = Supplies(request, images, house) if images and plan.needs(Need.TRAINER) else None
        training = supplies.training if supplies is not None else None
        sets = Sets(request, sitting, house, training) if sitting and plan.by_need(Need.IMAGES) else None
        yield Run(
            request=request,
            host=host,
            policy=policy,
            plan=plan,
            house=house,
            sitting=sitting,
            today=now.date(),
            watch=watch,
            timed=timed,
            warnings=[*host.troubles(), *filter(None, (house.cache.trouble,))],
            baseline=baseline,
            yardstick=yardstick,
            supplies=supplies,
            sets=sets,
            thumbnails=Thumbnails(images) if images else None,
        )


def _latency_reference(request: RunRequest, house: House) -> Entrant | None:
    """Return the model that is timed in place of the reference, identified and copied; None where that is itself.

    What cannot be read is told by the checks that need it, for the others do not.

    Raises:
        UsageError: Its card is malformed.
    """
    if request.latency_reference is None:
        return None
    card = request.latency_reference_card
    entrant = Entrant("latency reference", request.latency_reference, card, request.architecture, house)
    with suppress(Inconclusive):
        entrant.admit()
    return entrant


def _load_policy(name: str, host: Host) -> LoadedPolicy:
    """Load a policy; one whose metric nothing here resembles may be right, and a plugin out of order."""
    try:
        return load(name, host.policies(), host.metrics())
    except PolicyError as error:
        troubles = "; ".join(host.troubles())
        if "unknown metric" not in error.message or "did you mean" in error.message or not troubles:
            raise
        raise Inconclusive(f"{error.message}\n{troubles}", hint="vetgate plugins shows what is out of order") from None


def _open_images(request: RunRequest, host: Host) -> Images | None:
    if not request.data:
        return None
    return open_images(request.data, host, request.limit, request.seed, shuffled=request.sequential)


def _also_wanted(request: RunRequest, host: Host) -> tuple[str, ...]:
    """Return the metrics that the user asks for by giving what they need, whether or not a rule names them."""
    on_offer = host.metrics()
    beside = [name for name, spec in on_offer.items() if spec.needs_yardstick] if request.yardstick else []
    if request.calibration_data is not None:
        beside += [name for name, spec in on_offer.items() if spec.needs_other_images]
    return (*beside, *(name for name in LAYERS if request.layers and name in on_offer))


def _plan(
    policy: Policy,
    host: Host,
    images: Images | None,
    request: RunRequest,
    baseline: Baseline | None,
    wanted: tuple[str, ...],
) -> Plan:
    missing: dict[str, MissingExtra] = {}
    for spec in host.checks():
        offer = host.offer(Kind.CHECK, spec.name)
        try:
            if offer is not None:
                offer.require()
        except MissingExtra as error:
            missing[spec.name] = error
    given = Given(
        data=images is not None,
        labels=images is not None and images.labelled,
        columns=tuple(images.samples.columns) if images is not None else (),
        seed=request.seed,
        seconds=request.timing_seconds,
        sequential=request.sequential,
        baseline=baseline is not None,
        same_data=images is not None and baseline is not None and baseline.is_on(images.sha256),
        yardstick=request.yardstick is not None,
        training=request.train_data is not None,
        calibration=request.calibration_data is not None,
        wanted=(*wanted, *_also_wanted(request, host)),
    )
    return make_plan(policy, host.checks(), missing, given)

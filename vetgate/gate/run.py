"""One run of the gate: what was asked, and what its steps share."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from vetgate import environment
from vetgate.artifacts import Vault, require_file
from vetgate.domain.errors import Inconclusive, MissingExtra, PolicyError
from vetgate.domain.policy import Policy
from vetgate.domain.request import RunRequest
from vetgate.domain.specs import Event
from vetgate.gate.answers import Sitting
from vetgate.gate.data import Images, open_images
from vetgate.gate.entrant import House
from vetgate.host import Host, Kind
from vetgate.inference.cache import Cache, cache_folder
from vetgate.inference.memory import SharedBuffer
from vetgate.measure import Plan, make_plan
from vetgate.policy import LoadedPolicy, load

Watch = Callable[[Event], None]


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
    warnings: list[str] = field(default_factory=list)

    def tell(self, stage: str, detail: str, done: int = 0, total: int = 0) -> None:
        """Tell progress bars and observers where the walk is."""
        event = Event(stage, detail, done, total)
        self.watch(event)
        self.warnings += [line for line in self.host.tell(event) if line not in self.warnings]


@contextmanager
def prepare(request: RunRequest, host: Host, now: datetime.datetime, watch: Watch) -> Iterator[Run]:
    """Load the policy, open the data, plan, and make room for models."""
    policy = _load_policy(request.policy, host)
    for path in (*request.candidates, request.reference):
        require_file(path)
    images = open_images(request.data, host, request.limit, request.seed) if request.data else None
    with ExitStack() as stack:
        house = House(
            host=host,
            vault=stack.enter_context(Vault()),
            cache=Cache(cache_folder(), enabled=request.cache),
            images=stack.enter_context(SharedBuffer()),
            threads=request.threads or max(1, environment.cores() // 2),
            batch=request.batch_size,
            seconds=request.limits.seconds,
            memory=request.limits.memory or environment.memory() * 3 // 4,
        )
        sitting = Sitting(images, house) if images else None
        plan = _plan(policy.policy, host, images, request.seed)
        yield Run(request, host, policy, plan, house, sitting, now.date(), watch, list(host.troubles()))


def _load_policy(name: str, host: Host) -> LoadedPolicy:
    """Load a policy; one whose metric nothing here resembles may be right, and a plugin out of order."""
    try:
        return load(name, host.policies(), host.metrics())
    except PolicyError as error:
        troubles = "; ".join(host.troubles())
        if "unknown metric" not in error.message or "did you mean" in error.message or not troubles:
            raise
        raise Inconclusive(f"{error.message}\n{troubles}", hint="vetgate plugins shows what is out of order") from None


def _plan(policy: Policy, host: Host, images: Images | None, seed: int) -> Plan:
    missing: dict[str, MissingExtra] = {}
    for spec in host.checks():
        offer = host.offer(Kind.CHECK, spec.name)
        try:
            if offer is not None:
                offer.require()
        except MissingExtra as error:
            missing[spec.name] = error
    labelled = images is not None and images.samples.labels is not None
    return make_plan(policy, host.checks(), missing, has_data=images is not None, has_labels=labelled, seed=seed)

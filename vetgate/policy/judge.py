"""Judges evidence by a policy. Pure: the day is passed in, and nothing is read, drawn or printed."""

from __future__ import annotations

import datetime
from collections.abc import Collection, Mapping, Sequence

from vetgate.domain.evidence import Evidence, Outcome, Severity
from vetgate.domain.policy import Policy
from vetgate.domain.scan_rules import SERVED, UNSCANNED
from vetgate.domain.specs import MetricSpec
from vetgate.domain.verdict import Decision, Ruling, Verdict
from vetgate.policy.gathered import BASELINE, Gathered, Part
from vetgate.policy.resolve import ARTIFACT, FINDINGS, ISOLATION, SCAN
from vetgate.policy.rule import is_open, judge_rule
from vetgate.policy.waivers import apply_waiver
from vetgate.policy.words import short_words

MOST_NAMED = 4
"""Rules that the verdict's sentence names."""


def judge(
    policy: Policy,
    evidence: Sequence[Evidence],
    today: datetime.date,
    metrics: Mapping[str, MetricSpec],
    *,
    owners: Mapping[str, str] | None = None,
    always: Collection[str] = (),
    part: Part | None = None,
    unwalled: Sequence[str] = (),
) -> Verdict:
    """Return the verdict: one ruling for each rule, one on findings, one for each failed check that no rule speaks for.

    Never a pass without a rule, without evidence, or with something unmeasured. The order of the evidence does not
    matter.

    Args:
        policy: The resolved policy.
        evidence: What the checks handed on; only evidence of outcome `measured` counts as measured.
        today: The day of the run, for waivers.
        metrics: The known metrics, by id.
        owners: Check by the metric that it declares. A rule speaks for the check that owns its figure; a check that
            owns none speaks only in findings, so where it was not measured it has a ruling of its own.
        always: Checks that must have measured whether or not a rule names them.
        part: What the evidence is a part of, where it rests on fewer images than there are; a rule that they cannot
            settle is inconclusive.
        unwalled: Which models' processes lacked a wall, or may have; inconclusive where the policy requires isolation.
    """
    owners = owners or {}
    gathered = Gathered.of(evidence, metrics, owners, part)
    rulings = [apply_waiver(judge_rule(rule, gathered), policy.waivers, today) for rule in policy.rules]
    rulings += _findings(policy.halt_at, evidence)
    rulings += _scanned(evidence) if policy.scan == "required" else []
    rulings += _files(evidence) if policy.artifact == "file" else []
    rulings += _unwalled(unwalled, evidence) if policy.isolation == "required" else []
    spoken = {ruling.rule for ruling in rulings} & {SCAN, ISOLATION}
    rulings += [_failed(item) for item in _unspoken(evidence, owners, always) if item.check not in spoken]
    return _verdict(policy, evidence, tuple(rulings))


def open_rules(
    policy: Policy,
    evidence: Sequence[Evidence],
    metrics: Mapping[str, MetricSpec],
    owners: Mapping[str, str],
    part: Part,
) -> tuple[str, ...]:
    """Return the rules that further images could still settle, for a run that may stop early.

    Unlike a ruling, this sees through `otherwise: warn`, `if_missing` and waivers: a rule that only warns is open
    until it is known whether it warns.

    Args:
        policy: The resolved policy.
        evidence: What the checks handed on so far.
        metrics: The known metrics, by id.
        owners: Check by the metric that it declares.
        part: What the evidence is a part of; rules on each value of a column that it does not count stay open.
    """
    gathered = Gathered.of(evidence, metrics, owners, part)
    return tuple(rule.name for rule in policy.rules if is_open(rule, gathered))


def _findings(halt_at: Severity, evidence: Sequence[Evidence]) -> list[Ruling]:
    """Return the ruling on findings; none where nothing was looked at, for then nothing is known."""
    found = sorted(
        {finding for item in evidence for finding in item.findings},
        key=lambda finding: (-finding.severity, finding.rule, finding.location, finding.message),
    )
    limit = halt_at.name.lower()
    grave = [finding for finding in found if finding.severity >= halt_at]
    if grave:
        told = "; ".join(_finding_words(finding.severity, finding.message, finding.location) for finding in grave)
        decision, because = Decision.FAIL, told
    elif any(item.outcome is Outcome.MEASURED for item in evidence):
        below = f"; {len(found)} below" if found else ""
        decision, because = Decision.PASS, f"no finding at or over {limit}{below}"
    else:
        return []
    words = f"no finding is at or over {limit}"
    return [Ruling(rule=FINDINGS, words=words, decision=decision, because=because, n=len(found))]


def _scanned(evidence: Sequence[Evidence]) -> list[Ruling]:
    """Return the ruling on whether all models were scanned; none where nothing was measured, for that is told."""
    scans = [item for item in evidence if item.check == SCAN]
    if not scans and all(item.outcome is not Outcome.MEASURED for item in evidence):
        return []
    failed = [item.reason for item in scans if item.outcome is not Outcome.MEASURED]
    unknown = [found.message for item in scans for found in item.findings if found.rule in UNSCANNED]
    reasons = dict.fromkeys(failed + unknown) if scans else ("no model was scanned",)
    decision = Decision.INCONCLUSIVE if reasons else Decision.PASS
    because = "; ".join(reason.rstrip(".") for reason in reasons) or "every model was scanned before it was opened"
    return [Ruling(rule=SCAN, words="every model is scanned before it is opened", decision=decision, because=because)]


def _files(evidence: Sequence[Evidence]) -> list[Ruling]:
    """Return the ruling on whether all models are files; none where no model was looked at."""
    scans = [item for item in evidence if item.check == SCAN]
    served = dict.fromkeys(found.message for item in scans for found in item.findings if found.rule == SERVED.id)
    if not scans:
        return []
    decision = Decision.FAIL if served else Decision.PASS
    because = "; ".join(told.rstrip(".") for told in served) or "every model is a file"
    return [Ruling(rule=ARTIFACT, words="every model is a file", decision=decision, because=because)]


def _unwalled(unwalled: Sequence[str], evidence: Sequence[Evidence]) -> list[Ruling]:
    """Return the ruling on walls; none where nothing was measured and none was missing, for then nothing ran."""
    words = "all walls stand around every model's process"
    if unwalled:
        return [Ruling(rule=ISOLATION, words=words, decision=Decision.INCONCLUSIVE, because="; ".join(unwalled))]
    told = any(item.check == ISOLATION for item in evidence)  # that a wall was missing, which has a ruling of its own
    if told or all(item.outcome is not Outcome.MEASURED for item in evidence):
        return []
    because = "no process that read a model in this run lacked a wall"
    return [Ruling(rule=ISOLATION, words=words, decision=Decision.PASS, because=because)]


def _finding_words(severity: Severity, message: str, location: str) -> str:
    where = f" ({location})" if location else ""
    return f"{severity.name.lower()}: {message.rstrip('.')}{where}"


def _unspoken(evidence: Sequence[Evidence], owners: Mapping[str, str], always: Collection[str]) -> list[Evidence]:
    """Return what was not measured without a rule that would say so; what only followed from an error is left out."""
    owning = (set(owners.values()) - set(always)) | {BASELINE}
    failed = [item for item in evidence if item.outcome is not Outcome.MEASURED and item.check not in owning]
    absent = [
        Evidence(check=name, outcome=Outcome.SKIPPED, reason="it did not run")
        for name in set(always) - {item.check for item in evidence}
    ]
    causes = [item for item in failed if item.outcome is Outcome.ERRORED]
    return sorted(causes or failed + absent, key=lambda item: (item.check, item.reason))


def _failed(item: Evidence) -> Ruling:
    reason = item.reason.rstrip(".") or "no reason was given"
    return Ruling(
        rule=item.check,
        words=f"check {item.check} runs",
        decision=Decision.INCONCLUSIVE,
        because=f"check {item.check} {item.outcome.value}: {reason}",
    )


def _verdict(policy: Policy, evidence: Sequence[Evidence], rulings: tuple[Ruling, ...]) -> Verdict:
    """Return the worst ruling as the verdict; at best inconclusive where nothing was asked or nothing measured."""
    decision = max((ruling.decision for ruling in rulings), key=lambda each: each.rank, default=Decision.INCONCLUSIVE)
    if decision.rank < Decision.INCONCLUSIVE.rank:
        if not policy.rules:
            because = f"policy {policy.name!r} has no rules, so nothing was judged"
            return Verdict(decision=Decision.INCONCLUSIVE, because=because, rulings=rulings)
        if not any(item.outcome is Outcome.MEASURED and item.check != SCAN for item in evidence):
            because = "no check measured anything"
            return Verdict(decision=Decision.INCONCLUSIVE, because=because, rulings=rulings)
    return Verdict(decision=decision, because=_because(decision, policy, rulings), rulings=rulings)


def _because(decision: Decision, policy: Policy, rulings: tuple[Ruling, ...]) -> str:
    worst = [ruling for ruling in rulings if ruling.decision is decision]
    if not worst:
        return f"policy {policy.name!r} has no rules, and no check measured anything"
    if decision is Decision.PASS:
        return f"all {len(rulings)} rules pass" if len(rulings) > 1 else worst[0].because
    named = [short_words(ruling) for ruling in worst[:MOST_NAMED]]
    if len(worst) > MOST_NAMED:
        named.append(f"and {len(worst) - MOST_NAMED} more")
    for each in (Decision.INCONCLUSIVE, Decision.WARN):
        count = sum(ruling.decision is each for ruling in rulings)
        if count and each is not decision:
            named.append(f"{count} more {_verb(each, count)}")
    cause = next((ruling for ruling in worst if ruling.metric is None and decision is Decision.INCONCLUSIVE), None)
    if cause is not None:
        count = len(worst) - 1
        others = f"; so {count} {'rule' if count == 1 else 'rules'} {_verb(decision, count)}" if count else ""
        return f"{cause.because}{others}"
    rules = "rule" if len(rulings) == 1 else "rules"
    return f"{len(worst)} of {len(rulings)} {rules} {_verb(decision, len(worst))}: {'; '.join(named)}"


def _verb(decision: Decision, count: int) -> str:
    if decision is Decision.INCONCLUSIVE:
        return "is not settled" if count == 1 else "are not settled"
    return f"{decision.value}s" if count == 1 else decision.value

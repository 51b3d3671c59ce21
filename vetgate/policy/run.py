"""What must really have run for a rule's figures to count (`same_runtime`, `requires`)."""

from __future__ import annotations

from vetgate.domain.evidence import Ran
from vetgate.domain.model import Execution
from vetgate.domain.policy import Requires, Rule
from vetgate.policy.gathered import Gathered
from vetgate.policy.words import required_traits, traits_words

SAME = ("runtime", "provider", "threads")
"""Traits that `same_runtime` compares. Precision is not among them: to lower it is what compression is for."""
SHIPPED_HINT = "--latency-reference FILE times the build of the reference that ships"


def why_not_run_so(rule: Rule, gathered: Gathered) -> str:
    """Return why what ran is not what the rule requires; empty where it is, or where the rule requires nothing.

    Args:
        rule: Its `requires` is compared.
        gathered: Holds what ran for the check that owns the rule's figure.
    """
    if rule.requires is None:
        return ""
    owner = gathered.owners.get(rule.metric)
    known = gathered.ran.get(owner, ()) if owner is not None else ()
    runs = [ran for ran in known if ran is not None]
    if not runs or len(runs) < len(known):
        return "what ran for it is not known, and the rule requires it; run check again"
    reasons = (_why_not(rule.requires, ran) for ran in runs)
    return next((reason for reason in reasons if reason), "")


def _why_not(requires: Requires, ran: Ran) -> str:
    differing = [trait for trait in SAME if getattr(ran.candidate, trait) != getattr(ran.reference, trait)]
    if requires.same_runtime and differing:
        return (
            f"the two models did not run alike, as the rule requires: the candidate {_told(ran.candidate, differing)}, "
            f"the reference {_told(ran.reference, differing)}; {SHIPPED_HINT}"
        )
    if requires.fallback is not None and not ran.candidate.whole:
        return (
            "the rule forbids fallback, and the candidate's operators did not all run on one provider, as far as is "
            f"known: {_places(ran.candidate)}"
        )
    wanted = {trait: value for trait, value in required_traits(requires).items() if trait != "fallback"}
    wrong = [trait for trait, value in wanted.items() if not _alike(getattr(ran.candidate, trait), value)]
    if not wrong:
        return ""
    asked = traits_words({trait: wanted[trait] for trait in wrong})
    return f"the rule requires the candidate {asked}, and it ran {_told(ran.candidate, wrong)}"


def _places(execution: Execution) -> str:
    return ", ".join(f"{place.operators:,} on {place.provider}" for place in execution.placed) or execution.provider


def _told(execution: Execution, traits: list[str]) -> str:
    return traits_words({trait: getattr(execution, trait) for trait in traits})


def _alike(ran: object, wanted: object) -> bool:
    return str(ran).casefold() == str(wanted).casefold()

"""What this plugin offers: the contract check, which runs whatever the policy says."""

from __future__ import annotations

from typing import Any

from vetgate.api import ANY_TASK, Check, CheckSpec, Need, StructureContext, hookimpl


def _contract() -> Check[StructureContext]:
    from vetgate_contract.check import ContractCheck

    return ContractCheck()


@hookimpl
def vetgate_checks() -> tuple[CheckSpec[Any], ...]:
    """Offer the contract check."""
    return (
        CheckSpec(
            name="contract",
            tasks=ANY_TASK,
            summary="names, shapes, types, channels and classes of the two models",
            needs=Need.STRUCTURE,
            metrics=(),
            factory=_contract,
            always=True,
        ),
    )

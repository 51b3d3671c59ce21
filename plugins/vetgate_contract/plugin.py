"""Declares the contract check."""

from __future__ import annotations

from collections.abc import Iterable

from vetgate.api import Check, CheckSpec, Need, StructureContext, hookimpl


def _check() -> Check[StructureContext]:
    from vetgate_contract.check import ContractCheck

    return ContractCheck()


@hookimpl
def vetgate_checks() -> Iterable[CheckSpec[StructureContext]]:
    """The contract of the two models."""
    summary = "whether both models take and give the same: classes, channels, sizes, types"
    return [CheckSpec("contract", summary, Need.STRUCTURE, (), _check, always=True)]

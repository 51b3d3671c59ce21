"""What really ran of both models."""

from __future__ import annotations

from vetgate.api import SessionContext


def differences(context: SessionContext) -> str:
    """Return in what the two runs differ, in words: a ratio across runtimes tells of more than the model."""
    candidate, reference = context.candidate.execution, context.reference.execution
    traits = {
        "runtime": (candidate.runtime, reference.runtime),
        "provider": (candidate.provider, reference.provider),
        "threads": (candidate.threads, reference.threads),
        "precision": (candidate.precision, reference.precision),
    }
    differ = [f"{name} ({one} against {other})" for name, (one, other) in traits.items() if one != other]
    return f"the runs differ in {', '.join(differ)}" if differ else ""

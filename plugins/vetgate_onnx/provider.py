"""Where an ONNX model runs: the execution provider that is asked for, and where ONNX Runtime put the operators."""

from __future__ import annotations

from collections import Counter
from typing import Any

import onnxruntime

from vetgate.api import Card, CardError, OpenOptions, Placed
from vetgate_onnx.declared import CPU

_LEVELS = {
    "disabled": onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL,
    "basic": onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC,
    "extended": onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED,
    "all": onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL,
}


def settings_of(card: Card, options: OpenOptions) -> onnxruntime.SessionOptions:
    """Return how sessions are opened."""
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = options.threads
    settings.inter_op_num_threads = 1
    settings.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    settings.log_severity_level = 3
    settings.add_session_config_entry("session.intra_op.allow_spinning", "0")
    settings.add_session_config_entry("session.load_model_format", "ONNX")  # by content, not by a suffix .ort
    settings.add_session_config_entry("session.record_ep_graph_assignment_info", "1")  # else nobody can ask for it
    level = _asked(card).get("graph_optimization")
    if level is not None:
        settings.graph_optimization_level = _LEVELS[str(level)]
    return settings


def providers_of(card: Card) -> list[Any]:
    """Return the providers of a session, the one that is asked for first; the CPU takes what that leaves.

    Whether it may leave anything is the gate's to say, once it is known where the operators are.

    Raises:
        CardError: This installation of ONNX Runtime has not the one that is asked for.
    """
    wanted = _wanted(card)
    there = onnxruntime.get_available_providers()
    if wanted not in there:
        raise CardError(
            f"{wanted} is asked for, and onnxruntime {onnxruntime.__version__} as it is installed here has "
            f"{', '.join(there)}",
            hint="install the build of ONNX Runtime that brings it, or ask for one that is there",
        )
    device = _asked(card).get("device_id")
    first = wanted if device is None else (wanted, {"device_id": str(device)})
    return [first] if wanted == CPU else [first, CPU]


def require_loaded(session: onnxruntime.InferenceSession, card: Card) -> None:
    """Make sure that the provider that is asked for is in the session: ONNX Runtime goes on without one it cannot load.

    Raises:
        CardError: It is not.
    """
    wanted, there = _wanted(card), session.get_providers()
    if wanted not in there:
        raise CardError(
            f"{wanted} is asked for, and onnxruntime {onnxruntime.__version__} could not load it: the session has "
            f"{', '.join(there)}",
            hint="its libraries or its device are missing here; ask for a provider that is there",
        )


def placement(session: onnxruntime.InferenceSession) -> tuple[str, tuple[Placed, ...]]:
    """Return the provider of a session, and how many operators of the graph run where.

    Operators are those of the graph after ONNX Runtime's basic optimisations, when it hands them out. The provider is
    the one that all of them run on, or all that the session has.
    """
    listed = ", ".join(session.get_providers())
    ask = getattr(session, "get_provider_graph_assignment_info", None)  # releases before 1.24 cannot be asked
    if ask is None:
        return listed, ()
    counts: Counter[str] = Counter()
    for part in ask():
        counts[str(part.ep_name)] += len(part.get_nodes())
    if not counts:  # nothing is left of the graph
        return listed, ()
    placed = tuple(Placed(provider=name, operators=count) for name, count in counts.most_common())
    return ", ".join(place.provider for place in placed), placed


def _wanted(card: Card) -> str:
    return (card.execution.provider if card.execution is not None else None) or CPU


def _asked(card: Card) -> dict[str, int | float | str]:
    return card.execution.options if card.execution is not None else {}

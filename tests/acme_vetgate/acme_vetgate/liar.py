"""Models that take their own process over, and answer what no model may: the gate must believe none of them."""

import os
from collections.abc import Callable
from typing import Any

import numpy as np

_RANDOM = np.random.default_rng()


def lie(how: str, answers: np.ndarray) -> np.ndarray:
    """Return answers that are wrong in a way that has a name; some ways change what the process says of itself.

    Args:
        how: A key of LIES.
        answers: (N, C), the right ones.
    """
    return LIES[how](answers)


def _server() -> Any:
    """Return the class of the process that this model lives in."""
    import sys

    return sys.modules["__main__"].Server


def _say(change: dict[str, Callable[[Any], Any]]) -> None:
    """Change fields of every answer to come."""
    server = _server()
    true = server._predict

    def predict(self: Any, request: Any) -> Any:
        said = true(self, request)
        return said.model_copy(update={name: what(said) for name, what in change.items()})

    server._predict = predict


def _counting(answers: np.ndarray) -> np.ndarray:
    server = _server()
    true = server._predict

    def predict(self: Any, request: Any) -> Any:
        said = true(self, request)
        return said.model_copy(update={"answered": said.answered + 1000})

    server._predict = predict
    return answers


def _changing(field: str, what: Callable[[Any], Any]) -> Callable[[np.ndarray], np.ndarray]:
    def act(answers: np.ndarray) -> np.ndarray:
        _say({field: what})
        return answers

    return act


def _unasked(answers: np.ndarray) -> np.ndarray:
    """Let every answer come twice, the second for images that nobody asked about."""
    server = _server()
    true = server._answer

    def answer(self: Any, request: Any) -> Any:
        reply = true(self, request)
        if reply.kind == "predicted":
            self._connection.send_bytes(reply.model_dump_json().encode())
        return reply

    server._answer = answer
    return answers


def _noisy(answers: np.ndarray) -> np.ndarray:
    return np.asarray(answers + _RANDOM.normal(scale=1.0, size=answers.shape), dtype=np.float32)


def _neighbours(answers: np.ndarray) -> np.ndarray:
    """Normalise over the batch, as a layer does that was left in training mode."""
    return np.asarray((answers - answers.mean(axis=0)) / (answers.std(axis=0) + 1e-3))


def _rounded(answers: np.ndarray) -> np.ndarray:
    return np.asarray(answers * (1 + 1e-6 * (len(answers) % 7)), dtype=np.float32)


def _widening(answers: np.ndarray) -> np.ndarray:
    return np.hstack([answers, answers[:, :1]])


def _gone(answers: np.ndarray) -> np.ndarray:
    os._exit(0)


LIES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "count": _counting,
    "rows": _changing("rows", lambda said: said.rows + 1),
    "fewer-rows": _changing("rows", lambda said: said.rows - 1),
    "no-rows": _changing("rows", lambda said: 0),
    "columns": _changing("columns", lambda said: said.columns + 1),
    "no-columns": _changing("columns", lambda said: 0),
    "negative-columns": _changing("columns", lambda said: -3),
    "vast-columns": _changing("columns", lambda said: 1 << 40),
    "kind": _changing("kind", lambda said: "opened"),
    "unasked": _unasked,
    "noisy": _noisy,
    "neighbours": _neighbours,
    "rounded": _rounded,
    "widening": _widening,
    "inf": lambda answers: answers + np.float32(np.inf),
    "flat": lambda answers: answers[:, 0],
    "deep": lambda answers: answers[:, :, None],
    "short": lambda answers: answers[:-1],
    "none": lambda answers: answers[:0],
    "no-classes": lambda answers: answers[:, :0],
    "text": lambda answers: np.full(answers.shape, "cat"),
    "complex": lambda answers: answers.astype(np.complex64) * 1j,
    "nothing": lambda answers: None,  # type: ignore[dict-item,return-value]
    "gone": _gone,
}
"""What a model does, by name. `rounded`, `noisy` and `neighbours` are no lies of the process, but of the model."""

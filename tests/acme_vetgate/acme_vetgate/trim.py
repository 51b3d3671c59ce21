"""Compresses toy models, and misbehaves where a setting says so: the gate must survive that, too."""

import os
import signal
import time
from pathlib import Path

import numpy as np

from acme_vetgate.backend import _read, write_toy
from vetgate.api import Bench, Inconclusive, Made, UsageError


class AcmeTrim:
    """Implements Compressor: rounds the weights of the file."""

    def compress(self, bench: Bench) -> Made:
        """Write the toy with rounded weights.

        Raises:
            UsageError: A setting is unknown.
        """
        unknown = set(bench.settings) - {"decimals", "misbehave"}
        if unknown:
            raise UsageError(f"acme-trim has no setting {sorted(unknown)[0]!r}", hint="it has decimals")
        head, weight = _read(bench.source)
        decimals = int(bench.settings.get("decimals", 1))
        bench.tell("trim", 0, 1)
        made = _misbehave(str(bench.settings.get("misbehave", "")), bench)
        if made is not None:
            return made
        write_toy(bench.output, np.round(weight, decimals), shape=_shape(head["shape"]))
        bench.tell("trim", 1, 1)
        return Made(notes=(f"rounded to {decimals} decimals",))


class AcmeFit:
    """Implements Compressor: fits the weights anew to images with labels."""

    def compress(self, bench: Bench) -> Made:
        """Write a toy that was fitted by least squares."""
        head, weight = _read(bench.source)
        assert bench.training is not None
        assert bench.training.labels is not None
        start = time.perf_counter()
        images = bench.normalise(np.asarray(bench.training.pixels)).reshape(len(bench.training), -1)
        wanted = np.eye(weight.shape[1])[bench.training.labels]
        fitted, *_ = np.linalg.lstsq(images.astype(np.float64), wanted, rcond=None)
        bench.tell("epoch", 1, 1)
        write_toy(bench.output, fitted, shape=_shape(head["shape"]))
        return Made(training_seconds=time.perf_counter() - start, epochs=1, images=len(bench.training))


def _shape(sizes: list[int]) -> tuple[int, int, int]:
    channels, height, width = sizes
    return channels, height, width


def _misbehave(how: str, bench: Bench) -> Made | None:
    match how:
        case "garbage":
            return _write(bench.output, b"\x08\x01 no model at all" * 100)
        case "empty":
            return _write(bench.output, b"")
        case "nothing":
            return Made()
        case "module":
            bench.module()
        case "chatter":
            while True:
                bench.tell("trim", 0, 1)
                time.sleep(0.01)
        case "refuse":
            raise Inconclusive("acme finds nothing to trim")
        case _:
            _end(how)
    return None


def _write(path: Path, content: bytes) -> Made:
    path.write_bytes(content)
    return Made()


def _end(how: str) -> None:
    match how:
        case "exit":
            raise SystemExit(0)
        case "raise":
            raise ValueError("acme lost a screw")
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        case "hang":
            time.sleep(3600)
        case "memory":
            hoard = [np.ones(1 << 27) for _ in range(1024)]
            raise AssertionError(len(hoard))

"""Zeroing single weights over the whole network: the smallest, or any."""

from __future__ import annotations

import torch
from torch.nn.utils import prune

from vetgate.api import Bench, Made, read_settings
from vetgate_compress.export import write_module
from vetgate_compress.settings import PRUNE
from vetgate_compress.weights import find_weights, note_computed


class Unstructured:
    """Zeroes the share `rate` of all weights of convolutions, linear and attention layers together.

    Args:
        name: Of the compressor.
        method: Which weights.
        chosen: The same, for people.
    """

    def __init__(self, name: str, method: type[prune.BasePruningMethod], chosen: str) -> None:
        self._name, self._method, self._chosen = name, method, chosen

    def compress(self, bench: Bench) -> Made:
        """Prune and export; see vetgate.api.Compressor."""
        rate = float(read_settings(self._name, bench.settings, PRUNE)["rate"])
        module = bench.module()
        weights = find_weights(module)
        bench.tell("prune", 0, 1)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(bench.seed)
            prune.global_unstructured([(weight.layer, weight.name) for weight in weights], self._method, amount=rate)
        for weight in weights:
            prune.remove(weight.layer, weight.name)  # type: ignore[no-untyped-call]
        bench.tell("prune", 1, 1)
        write_module(module, bench)
        total = sum(weight.tensor.numel() for weight in weights)
        kept = sum(int(torch.count_nonzero(weight.tensor)) for weight in weights)
        return Made(
            notes=(
                f"zeroed {self._chosen}, over all layers together: {total - kept:,} of {total:,} weights"
                f" ({(total - kept) / total:.1%}) are zero; biases and normalisation are left alone",
                *note_computed(module),
                "not fine-tuned afterwards",
            )
        )


def l1() -> Unstructured:
    """Return what zeroes the weights of least magnitude."""
    return Unstructured("prune-l1", prune.L1Unstructured, "the weights of least magnitude")


def at_random() -> Unstructured:
    """Return what zeroes weights drawn by the seed."""
    return Unstructured("prune-random", prune.RandomUnstructured, "weights drawn at random")

# ruff: noqa: ANN401  # what the dispatcher hands over has no types
"""Count operators and multiply-accumulates by watching one blank image pass.

The pass runs on fake tensors, which are shapes without values. Operators of quantised modules do not allow that; where
the code is the file's own, their multiply-accumulates stay unknown, for a file is described without being run.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from vetgate.api import Operator
from vetgate_torch.network import named_outputs
from vetgate_torch.packed import unpack
from vetgate_torch.refusal import first_sentence

_MULTIPLIES = re.compile(r"conv|mm|mv$|dot|linear|attention|attn|lstm|gru|rnn|matmul|bilinear|einsum|cdist|fft")
"""Names of operators that multiply; one that nobody has a formula for is unknown, not zero."""
_RESAMPLES = re.compile(r"upsample|interpolate|grid_sampler|pool|prepack|dropout|im2col")
_SILENT = frozenset({"aten.empty", "aten.detach", "aten.alias", "aten.lift_fresh", "aten.zeros"})
"""Bookkeeping that no exported graph would show."""


@dataclass(frozen=True)
class Trace:
    """What one pass showed."""

    outputs: dict[str, torch.Tensor]
    """By name; their shapes and dtypes are real, their values may not be."""
    operators: tuple[Operator, ...]
    notes: tuple[str, ...] = ()


@dataclass
class _Tally:
    count: Counter[str] = field(default_factory=Counter)
    macs: Counter[str] = field(default_factory=Counter)
    unknown: set[str] = field(default_factory=set)


class _Watch(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Tallies every operator that reaches the dispatcher."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.tally = _Tally()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run the operator and note it."""
        result = func(*args, **(kwargs or {}))
        name = str(func._overloadpacket)
        if func.namespace == "prim" or name in _SILENT:
            return result
        macs = _macs(func, name, args, kwargs or {}, result)
        self.tally.count[name] += 1
        if macs is None:
            self.tally.unknown.add(name)
        else:
            self.tally.macs[name] += macs
        return result


def trace(call: Callable[[torch.Tensor], Any], shape: tuple[int, ...], dtype: torch.dtype, *, may_run: bool) -> Trace:
    """Return what `call` does to one batch.

    Args:
        call: The model.
        shape: Of its input, batch first; the figures returned are of one image.
        dtype: Of its input.
        may_run: Whether an image of zeros may pass where shapes alone cannot.

    Raises:
        RuntimeError: The model does not run on that shape.
    """
    try:
        return _watch(call, shape, dtype, FakeTensorMode(allow_non_fake_inputs=True))
    except Exception as error:  # the model's own code may raise anything
        if not may_run:
            raise RuntimeError(first_sentence(error)) from None
    try:
        return _watch(call, shape, dtype, nullcontext())
    except Exception as error:
        raise RuntimeError(first_sentence(error)) from None


def _watch(
    call: Callable[[torch.Tensor], Any], shape: tuple[int, ...], dtype: torch.dtype, mode: AbstractContextManager[Any]
) -> Trace:
    watch = _Watch()
    with torch.no_grad(), plain_attention(), mode:
        image = torch.zeros(shape, dtype=dtype)
        with watch:
            outputs = named_outputs(call(image))
    tally = watch.tally
    operators = tuple(
        Operator(type=name, count=count, macs=None if name in tally.unknown else tally.macs[name] // shape[0])
        for name, count in sorted(tally.count.items())
    )
    unknown = ", ".join(sorted(tally.unknown))
    return Trace(
        outputs, operators, (f"multiply-accumulates cannot be told of the operators {unknown}",) if unknown else ()
    )


@contextmanager
def plain_attention() -> Iterator[None]:
    """Keep nn.MultiheadAttention from its fused operator, whose multiplications nobody can see."""
    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(before)


def _macs(func: Any, name: str, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> int | None:
    """Return the multiply-accumulates of one call, 0 where it multiplies no weights, None where it cannot be told."""
    formula = flop_registry.get(func._overloadpacket)
    if formula is not None:
        return int(formula(*args, **kwargs, out_val=result)) // 2
    if name == "aten._scaled_dot_product_flash_attention_for_cpu":
        return _attention_macs(args)
    if name == "aten.mkldnn_rnn_layer":
        return _recurrent_macs(args)
    if func.namespace in ("quantized", "onednn", "mkldnn") or name.startswith("aten.mkldnn"):
        return _packed_macs(name, args, result)
    if func.namespace not in ("aten", "prims", "quantized_decomposed"):
        return None
    return None if _MULTIPLIES.search(name) and not _RESAMPLES.search(name) else 0


def _attention_macs(args: tuple[Any, ...]) -> int:
    query, key, value = args[:3]
    pairs = query.shape[:-1].numel() * key.shape[-2]
    return int(pairs * (query.shape[-1] + value.shape[-1]))


def _recurrent_macs(args: tuple[Any, ...]) -> int:
    """Return steps x images x elements of both matrices of an LSTM layer: that of what is given and of the state."""
    given, weight, again = args[:3]
    return int(given.shape[:-1].numel() * (weight.numel() + again.numel()))


def _packed_macs(name: str, args: tuple[Any, ...], result: Any) -> int | None:
    """Return out elements x weights that make one of them: packed weights hide from the flop registry."""
    if not _MULTIPLIES.search(name) or _RESAMPLES.search(name):
        return 0
    held = [unpack(arg) for arg in args if isinstance(arg, torch.ScriptObject)]
    if len(held) != 1 or held[0] is None or "transpose" in name or not isinstance(result, torch.Tensor):
        return None
    weight = held[0][0]
    return result.numel() * weight[0].numel()

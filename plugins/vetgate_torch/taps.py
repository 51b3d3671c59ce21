# ruff: noqa: ANN401  # what the dispatcher hands over has no types
"""Read the inner tensors of a network: what every operator makes, named by the module that called it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from vetgate.api import Tap, mark_feature_map
from vetgate_torch.network import Network
from vetgate_torch.operators import plain_attention

_PLAIN_NAMES = {
    "convolution": "conv", "_convolution": "conv", "mkldnn_convolution": "conv", "conv1d": "conv", "conv2d": "conv",
    "conv3d": "conv",
    "native_batch_norm": "batch_norm", "_native_batch_norm_legit_no_training": "batch_norm",
    "cudnn_batch_norm": "batch_norm", "addmm": "linear", "native_layer_norm": "layer_norm", "_softmax": "softmax",
    "native_group_norm": "group_norm", "_unsafe_view": "view", "reshape": "view", "_reshape_alias": "view",
    "max_pool2d_with_indices": "max_pool2d",
}  # fmt: skip
"""Operators that go by several names, so that one network saved in two ways has the same taps."""
_ALWAYS_WEIGHTED = re.compile(r"conv|addmm$|^linear|^mm$|lstm|gru|rnn")
_PRODUCT = re.compile(r"^(bmm|baddbmm|matmul|einsum)$")
_NO_LAYER = re.compile(r"prepack|im2col|convert")
_LINEAR = re.compile(r"addmm$|^linear|mm$|matmul$")
_VIEWS = ("view", "transpose", "permute")
_ATTENTION = re.compile(r"softmax|attention|bmm")
_SILENT = frozenset(
    {"empty", "empty_like", "detach", "alias", "lift_fresh", "zeros", "t", "expand", "clone", "_to_copy"}
)
"""Operators that make nothing that is worth a look: bookkeeping, casts and copies."""


@dataclass
class _Seen:
    """One tensor as an operator made it."""

    tap: Tap
    rows: int
    """Length of its first axis."""
    made: torch.Tensor


@dataclass
class _Scope:
    """The modules that are being called."""

    path: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Path of the innermost."""
        return self.path[-1] if self.path else ""


class _Watch(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Names what every operator makes, in the order of calls; the same network gives the same names at every batch.

    Args:
        scope: Kept by whoever runs the network.
        weights: Addresses of the stored tensors' memory.
        seen: Called with each tensor at once, before an operator in place overwrites it.
    """

    def __init__(self, scope: _Scope, weights: frozenset[int], seen: Callable[[_Seen], None]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._scope, self._weights, self._tell = scope, weights, seen
        self._counts: Counter[str] = Counter()
        self._layer = 0
        self.taken: list[torch.Tensor] = []
        """The first operand of every weighted layer so far."""
        self.linear = False
        """Whether the last weighted layer is linear."""

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run the operator and tell what it made."""
        operator = str(func._schema.name).rpartition("::")[2]
        plain = operator.removesuffix("_") or operator
        weighted = func.namespace != "prim" and self._is_weighted(plain, args)
        if weighted:
            self._layer += 1
            self.linear = _LINEAR.search(plain) is not None
            given = args[1] if plain.endswith("addmm") else args[0]
            self.taken.append(given)
        result = func(*args, **(kwargs or {}))
        made = result[0] if isinstance(result, (tuple, list)) and result else result
        if isinstance(made, torch.Tensor) and func.namespace != "prim" and plain not in _SILENT:
            # numbered also where it shows nothing, for that may depend on the number of images
            name = self._numbered(_PLAIN_NAMES.get(plain, plain))
            if _is_told(made, args):
                shape, operator = tuple(made.shape[1:]), f"{func.namespace}.{plain}"
                tap = Tap(name=name, shape=shape, layer=self._layer, operator=operator, weighted=weighted)
                self._tell(_Seen(tap, made.shape[0], made))
        return result

    def _is_weighted(self, plain: str, args: tuple[Any, ...]) -> bool:
        if _NO_LAYER.search(plain) or not args or not any(isinstance(arg, torch.Tensor) for arg in args):
            return False
        if _PRODUCT.search(plain):
            return any(isinstance(arg, torch.Tensor) and _address(arg) in self._weights for arg in args)
        return _ALWAYS_WEIGHTED.search(plain) is not None

    def _numbered(self, plain: str) -> str:
        """Return the operator's name within its module, with a number where that is taken."""
        stem = f"{self._scope.name}/{plain}" if self._scope.name else plain
        self._counts[stem] += 1
        count = self._counts[stem]
        return stem if count == 1 else f"{stem}#{count}"


def _is_told(made: torch.Tensor, args: tuple[Any, ...]) -> bool:
    if made.ndim < 2 or not (made.is_floating_point() or made.is_quantized):
        return False
    # a view of the same shape shows nothing new; what runs in place does
    first = next((arg for arg in args if isinstance(arg, torch.Tensor)), None)
    return first is None or made is first or _address(made) != _address(first) or made.shape != first.shape


def _address(tensor: torch.Tensor) -> int:
    try:
        return tensor.untyped_storage().data_ptr()
    except (RuntimeError, NotImplementedError):  # quantised and opaque tensors may have none
        return id(tensor)


class Tapping:
    """The inner tensors of one network.

    Args:
        network: Its `call` is not None.
        shape: Of one image as the network takes it.
    """

    def __init__(self, network: Network, shape: Sequence[int]) -> None:
        self._network, self._shape = network, tuple(shape)
        self._weights = frozenset(_address(entry.tensor) for entry in network.stored)
        self._taps: tuple[Tap, ...] | None = None

    def taps(self) -> tuple[Tap, ...]:
        """Return the tensors of one image each: those whose first axis follows the number of images.

        Raises:
            Exception: Whatever the network's own code raises.
        """
        if self._taps is None:
            self._taps = self._find()
        return self._taps

    def notes(self) -> tuple[str, ...]:
        """Return what a reader must know."""
        if any(_ATTENTION.search(tap.operator) for tap in self.taps()):
            return ("PyTorch's fused attention is taken apart where its inner tensors are read",)
        return ()

    def capture(self, batch: torch.Tensor, names: frozenset[str]) -> Mapping[str, torch.Tensor]:
        """Return copies of the named tensors (N, *shape) in float32, each as it was before anything overwrote it."""
        found: dict[str, torch.Tensor] = {}

        def keep(seen: _Seen) -> None:
            if seen.tap.name in names:
                found[seen.tap.name] = _copied(seen.made)

        self._run(batch, keep)
        return found

    def _find(self) -> tuple[Tap, ...]:
        limits = self._network.batch
        least = max(limits.least, 1)
        sizes = [size for size in (least + 1, least + 2) if limits.most is None or size <= limits.most] or [least]
        several = [self._look(size) for size in sizes]
        rows = [{seen.tap.name: (seen.rows, seen.tap.shape) for seen in found} for found, _ in several]
        taps = []
        for seen in several[0][0]:
            places = [known.get(seen.tap.name) for known in rows]
            if all(place == (size, seen.tap.shape) for place, size in zip(places, sizes, strict=True)):
                taps.append(seen.tap)
        features = several[0][1]
        taps = _unflattened(taps, [seen.tap for seen in several[0][0] if seen.tap.weighted])
        return mark_feature_map([tap.model_copy(update={"features": tap.name == features}) for tap in taps])

    def _look(self, images: int) -> tuple[list[_Seen], str | None]:
        """Return what a batch of noise shows, and the name of what the last layer takes, where that is linear."""
        found: list[_Seen] = []
        noise = torch.randn((images, *self._shape), generator=torch.Generator().manual_seed(0))
        watch = self._run(noise.to(self._network.dtype), found.append)
        if not watch.taken or not watch.linear:
            return found, None
        # the last that was made of this memory and this size: operators in place and views share it
        given = watch.taken[-1]
        alike = [
            seen.tap.name
            for seen in found
            if seen.made is given or (_address(seen.made) == _address(given) and seen.made.shape == given.shape)
        ]
        if not alike:
            alike = [
                seen.tap.name
                for seen in found
                if _address(seen.made) == _address(given) and seen.made.numel() == given.numel()
            ]
        return found, alike[-1] if alike else None

    def _run(self, batch: torch.Tensor, tell: Callable[[_Seen], None]) -> _Watch:
        call = self._network.call
        assert call is not None  # noqa: S101  # open() refuses networks that cannot be called
        scope = _Scope()
        watch = _Watch(scope, self._weights, tell)
        with torch.no_grad(), plain_attention(), _told_scope(call, scope) as run, watch:
            run(batch)
        return watch


def _unflattened(taps: Sequence[Tap], layers: Sequence[Tap]) -> list[Tap]:
    """Return taps with the view after a linear layer of tokens as that layer's output: it multiplies (N T, D) rows."""
    there = {tap.layer for tap in taps if tap.weighted}
    missing = {tap.layer: tap.operator for tap in layers if tap.layer not in there}
    found = []
    for tap in taps:
        viewed = tap.operator.endswith(_VIEWS) and tap.layer in missing
        found.append(tap.model_copy(update={"weighted": True, "operator": missing.pop(tap.layer)}) if viewed else tap)
    return found


def _copied(made: torch.Tensor) -> torch.Tensor:
    values = made.dequantize() if made.is_quantized else made
    values = values.to_dense() if values.layout is not torch.strided else values
    return values.detach().to(torch.float32, copy=True)


@contextmanager
def _told_scope(call: Callable[[torch.Tensor], Any], scope: _Scope) -> Iterator[Callable[[torch.Tensor], Any]]:
    """Yield what runs the network while the scope says which module is at it.

    TorchScript does not say, and of an exported program's notes on its modules the backend reads none.
    """
    with ExitStack() as hooks:
        if isinstance(call, torch.nn.Module) and not isinstance(call, torch.jit.ScriptModule):
            for name, module in call.named_modules():
                if not isinstance(module, torch.jit.ScriptModule):
                    hooks.enter_context(_removed(module.register_forward_pre_hook(_entering(scope, name))))
                    leaving = module.register_forward_hook(_leaving(scope), always_call=True)
                    hooks.enter_context(_removed(leaving))
        yield call


@contextmanager
def _removed(handle: Any) -> Iterator[None]:
    try:
        yield
    finally:
        handle.remove()


def _entering(scope: _Scope, name: str) -> Callable[..., None]:
    def enter(module: torch.nn.Module, args: Any) -> None:
        scope.path.append(name)

    return enter


def _leaving(scope: _Scope) -> Callable[..., None]:
    def leave(module: torch.nn.Module, args: Any, output: Any) -> None:
        scope.path.pop()

    return leave

"""Operators of an exported program made into layers again, so that they can be taken out, pruned and trained."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, Final

import torch
from torch import Tensor, fx, nn

_ATEN: Final = torch.ops.aten


def lifted(program: fx.GraphModule) -> fx.GraphModule:
    """Return the program with layers in place of operators on stored weights; tensors are shared with it.

    Operators on weights that are computed stay as they are.
    """
    built: dict[str, nn.Module] = {}
    for node in list(program.graph.nodes):
        make = _MAKERS.get(node.target) if node.op == "call_function" else None
        layer = make(program, node) if make is not None else None
        if layer is not None:
            _replace(program, node, layer, built)
        elif node.op == "call_function":
            node.target = _not_in_place(node.target)
    program.graph.eliminate_dead_code()
    program.recompile()
    return fx.GraphModule(program, program.graph)


def _replace(program: fx.GraphModule, node: fx.Node, layer: nn.Module, built: dict[str, nn.Module]) -> None:
    source = _argument(node, 1)
    name = _name(source, node)
    same = built.get(name)
    if same is not None and repr(same) != repr(layer):  # one weight, used in two ways
        name = f"{name}_{node.name}"
    if name not in built:
        built[name] = layer
        program.add_module(name, layer)
    with program.graph.inserting_before(node):
        called = program.graph.call_module(name, (node.args[0],))
    if node.target in _FIRST_OF_SEVERAL:
        for user in list(node.users):
            if user.target is operator.getitem and user.args[1] == 0:
                user.replace_all_uses_with(called)
    else:
        node.replace_all_uses_with(called)


def _not_in_place(target: Any) -> Any:  # noqa: ANN401  # an operator
    """Return an operator that leaves its input as it is, such as relu for relu_."""
    packet = getattr(target, "_overloadpacket", None)
    name = getattr(packet, "__name__", "")
    if not name.endswith("_") or name.startswith("_"):
        return target
    return getattr(getattr(_ATEN, name[:-1], None), target._overloadname, target)


def _name(weight: Any, node: fx.Node) -> str:  # noqa: ANN401  # an argument of an operator
    path = str(weight.target).rpartition(".")[0] if isinstance(weight, fx.Node) else ""
    return f"layer_{path.replace('.', '_')}" if path else f"layer_{node.name}"


def _argument(node: fx.Node, place: int, default: Any = None) -> Any:  # noqa: ANN401  # any type at all
    """Return an argument by its place in the operator's schema."""
    schema = node.target._schema.arguments  # type: ignore[union-attr]
    if place < len(node.args):
        return node.args[place]
    return node.kwargs.get(schema[place].name, schema[place].default_value if default is None else default)


def _stored(program: fx.GraphModule, given: Any) -> Tensor | None:  # noqa: ANN401  # an argument of an operator
    if not isinstance(given, fx.Node) or given.op != "get_attr":
        return None
    value: Any = program
    for name in str(given.target).split("."):
        value = getattr(value, name)
    return value if isinstance(value, Tensor) else None


def _parameter(value: Tensor | None) -> nn.Parameter | None:
    if value is None or isinstance(value, nn.Parameter):
        return value
    return nn.Parameter(value.detach())


def _convolution(program: fx.GraphModule, node: fx.Node) -> nn.Module | None:
    weight, bias = _stored(program, _argument(node, 1)), _stored(program, _argument(node, 2))
    if weight is None or weight.ndim != 4 or (bias is None and _argument(node, 2) is not None):
        return None
    if node.target is _ATEN.convolution.default:
        if _argument(node, 6):  # transposed
            return None
        groups = _argument(node, 8)
    else:
        groups = _argument(node, 6)
    stride, padding, dilation = (_argument(node, place) for place in (3, 4, 5))
    layer = nn.Conv2d(
        weight.shape[1] * groups,
        weight.shape[0],
        (weight.shape[2], weight.shape[3]),
        stride=_pair(stride),
        padding=padding if isinstance(padding, str) else _pair(padding),
        dilation=_pair(dilation),
        groups=groups,
        bias=bias is not None,
        device="meta",
    )
    return _holding(layer, weight, bias)


def _pair(value: Any) -> tuple[int, int]:  # noqa: ANN401  # a list of one or two numbers
    values = [value] if isinstance(value, int) else list(value)
    return values[0], values[-1]


def _linear(program: fx.GraphModule, node: fx.Node) -> nn.Module | None:
    weight, bias = _stored(program, _argument(node, 1)), _stored(program, _argument(node, 2))
    if weight is None or weight.ndim != 2 or (bias is None and _argument(node, 2) is not None):
        return None
    layer = nn.Linear(weight.shape[1], weight.shape[0], bias=bias is not None, device="meta")
    return _holding(layer, weight, bias)


def _holding(layer: nn.Module, weight: Tensor, bias: Tensor | None) -> nn.Module:
    layer.weight, layer.bias = _parameter(weight), _parameter(bias)  # type: ignore[assignment]
    return layer


def _norm(program: fx.GraphModule, node: fx.Node) -> nn.Module | None:
    weight, bias, mean, variance = (_stored(program, _argument(node, place)) for place in (1, 2, 3, 4))
    if weight is None or bias is None or mean is None or variance is None:
        return None
    lowered = node.target in _FIRST_OF_SEVERAL
    momentum, epsilon = (_argument(node, place) for place in ((5, 6) if lowered else (6, 7)))
    layer = nn.BatchNorm2d(len(weight), eps=epsilon, momentum=momentum, device="meta")
    _holding(layer, weight, bias)
    layer.running_mean, layer.running_var = mean.detach(), variance.detach()
    layer.num_batches_tracked = torch.zeros((), dtype=torch.long)
    return layer


_MAKERS: Final[dict[Any, Callable[[fx.GraphModule, fx.Node], nn.Module | None]]] = {
    _ATEN.conv2d.default: _convolution,
    _ATEN.conv2d.padding: _convolution,
    _ATEN.convolution.default: _convolution,
    _ATEN.linear.default: _linear,
    _ATEN.batch_norm.default: _norm,
    _ATEN._native_batch_norm_legit_no_training.default: _norm,
}
_FIRST_OF_SEVERAL: Final = frozenset({_ATEN._native_batch_norm_legit_no_training.default})

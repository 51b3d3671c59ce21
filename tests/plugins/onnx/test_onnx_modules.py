from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from vetgate_onnx.backend import OnnxBackend
from vetgate_vision import torchvision

from vetgate.api import Artifact, Card, CardError, Inconclusive, ModuleBackend, OpenOptions

CARD = {
    "version": 1,
    "input": {
        "size": [8, 8],
        "resize": "none",
        "crop": "none",
        "colour": "rgb",
        "scale": "1/255",
        "mean": [0, 0, 0],
        "std": [1, 1, 1],
        "layout": "NCHW",
    },
    "output": {"kind": "logits", "classes": ["a", "b", "c"]},
}


def make_card(**output: str) -> Card:
    return Card.model_validate({**CARD, "output": {**CARD["output"], **output}})  # type: ignore[dict-item]


def make(
    batch: int | str = "n", opset: int = 20, outputs: tuple[str, ...] = ("scores",), **changed: np.ndarray
) -> onnx.ModelProto:
    """Return convolution, relu, mean over positions, reshape and linear layer, as an exporter of today writes them."""
    generator = np.random.default_rng(0)
    weights = {
        "w": generator.normal(size=(5, 3, 3, 3)).astype(np.float32),
        "axes": np.array([2, 3]),
        "shape": np.array([-1, 5]),
        "m": generator.normal(size=(3, 5)).astype(np.float32),
        "b": generator.normal(size=3).astype(np.float32),
        **changed,
    }
    nodes = [
        helper.make_node("Conv", ["images", "w"], ["hidden"], pads=[1, 1, 1, 1], strides=[2, 2]),
        helper.make_node("Relu", ["hidden"], ["maps"]),
        helper.make_node("ReduceMean", ["maps", "axes"], ["pooled"], keepdims=1),
        helper.make_node("Reshape", ["pooled", "shape"], ["flat"], allowzero=1),
        helper.make_node("Gemm", ["flat", "m", "b"], ["scores"], transB=1),
        helper.make_node("Softmax", ["scores"], ["chances"]),
    ]
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, [batch, 3, 8, 8])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, [batch, 3]) for name in outputs],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)


@pytest.fixture
def load(save: Callable[..., Path]) -> Callable[..., torch.nn.Module]:
    torchvision()
    pytest.importorskip("onnx2torch")

    def _load(model: onnx.ModelProto, card: Card | None = None) -> torch.nn.Module:
        path = save(model)
        artifact = Artifact(path=str(path), name=path.name, format="onnx", backend="onnx", members=())
        module: torch.nn.Module = OnnxBackend().load_module(artifact, card or make_card(), OpenOptions())
        return module

    return _load


IMAGES = torch.randn(5, 3, 8, 8, generator=torch.Generator().manual_seed(0))


def test_the_backend_hands_modules_over() -> None:
    assert isinstance(OnnxBackend(), ModuleBackend)


@pytest.mark.parametrize("batch", ["n", 1])
def test_a_model_of_todays_exporter_answers_as_before_and_can_be_trained(
    load: Callable[..., torch.nn.Module], batch: int | str
) -> None:
    import onnxruntime

    model = make(batch)
    module = load(model)
    assert not module.training
    session = onnxruntime.InferenceSession(make().SerializeToString(), providers=["CPUExecutionProvider"])
    answers = module(IMAGES)
    np.testing.assert_allclose(answers.detach(), session.run(["scores"], {"images": IMAGES.numpy()})[0], atol=1e-5)
    answers.sum().backward()
    assert all(value.grad is not None for value in module.parameters() if value.requires_grad)


def test_the_output_that_the_card_names_is_the_one(load: Callable[..., torch.nn.Module]) -> None:
    model = make(outputs=("scores", "chances"))
    chances = load(model, make_card(name="chances", kind="probabilities"))(IMAGES)
    torch.testing.assert_close(chances.sum(dim=1), torch.ones(5))
    with pytest.raises(CardError, match="does not say which has the classes"):
        load(make(outputs=("scores", "chances")))
    with pytest.raises(CardError, match="names output 'other'"):
        load(make(), make_card(name="other"))


def test_a_quantised_model_is_refused(load: Callable[..., torch.nn.Module]) -> None:
    model = make()
    model.graph.node.extend([helper.make_node("DynamicQuantizeLinear", ["flat"], ["q", "s", "z"])])
    with pytest.raises(Inconclusive, match="is quantised"):
        load(model)


def test_a_batch_fixed_inside_the_graph_is_refused(load: Callable[..., torch.nn.Module]) -> None:
    with pytest.raises(Inconclusive, match="3 images at once"):
        load(make(batch=1, shape=np.array([1, 5])))


def test_damaged_weights_and_unknown_operators_are_refused(load: Callable[..., torch.nn.Module]) -> None:
    with pytest.raises(Inconclusive, match="holds NaN or infinity"):
        load(make(b=np.array([1, np.nan, 0], np.float32)))
    model = make()
    model.graph.node[1].op_type = "Mish"
    with pytest.raises(Inconclusive, match="cannot become a PyTorch module"):
        load(model)


def test_convolutions_and_linear_layers_become_layers_of_torch(load: Callable[..., torch.nn.Module]) -> None:
    names = [type(layer).__name__ for layer in load(make()).modules()]
    assert {"Conv2d", "Linear"} <= set(names)

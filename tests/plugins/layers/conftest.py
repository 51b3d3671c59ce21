"""The fashion example's models opened for real, and what makes broken copies of them."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from vetgate.api import Card, Model, OpenOptions, Tap, TappedModel
from vetgate.artifacts import Vault, find_card

FASHION = Path(__file__).parents[3] / "examples" / "fashion"
PROBES = 48


class Direct:
    """Inner tensors of a model of this process. Implements Inner."""

    def __init__(self, model: Model, images: NDArray[np.float32]) -> None:
        assert isinstance(model, TappedModel)
        self._model, self._images = model, images

    @property
    def probes(self) -> int:
        return len(self._images)

    def taps(self) -> tuple[Tap, ...]:
        return self._model.taps()

    def notes(self) -> tuple[str, ...]:
        return self._model.tap_notes()

    def capture(self, names: Sequence[str], first: int, count: int) -> Mapping[str, NDArray[np.float32]]:
        return self._model.capture(self._images[first : first + count], names)


@pytest.fixture(scope="session")
def pixels() -> NDArray[np.uint8]:
    with np.load(FASHION / "test.npz") as archive:
        return np.asarray(archive["images"][:: 10_000 // PROBES][:PROBES])


def _fed(pixels: NDArray[np.uint8], card: Card) -> NDArray[np.float32]:
    given = card.input
    values = (pixels[:, np.newaxis].astype(np.float64) * given.scale - given.mean[0]) / given.std[0]
    return (values if given.layout == "NCHW" else np.moveaxis(values, 1, -1)).astype(np.float32)


@pytest.fixture(scope="session")
def inner(pixels: NDArray[np.uint8]) -> Iterator[Callable[..., Direct]]:
    """Return a function that opens a model and gives its inner tensors; `like` names the file whose card it has."""
    plugins = [pytest.importorskip(f"vetgate_{name}.plugin") for name in ("torch", "onnx", "litert")]
    specs = [spec for plugin in plugins for spec in plugin.vetgate_backends()]
    with ExitStack() as stack:
        vault = stack.enter_context(Vault())

        def opening(path: Path, like: str = "") -> Direct:
            card = find_card(str(FASHION / like if like else path), None, None)
            assert card is not None
            artifact = vault.take(str(path), specs)
            backend = next(spec for spec in specs if spec.name == artifact.backend).factory()
            options = OpenOptions(batch_size=PROBES, architecture=f"{FASHION / 'architecture.py'}:fashion_resnet")
            return Direct(stack.enter_context(backend.open(artifact, card.card, options)), _fed(pixels, card.card))

        yield opening


@pytest.fixture(scope="session")
def reference(inner: Callable[..., Direct]) -> Direct:
    return inner(FASHION / "reference.pt")


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The reference as float32 ONNX."""
    torch = pytest.importorskip("torch")
    spec = importlib.util.spec_from_file_location("fashion_architecture", FASHION / "architecture.py")
    assert spec is not None
    assert spec.loader is not None
    module: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    network = module.fashion_resnet().eval()
    network.load_state_dict(torch.load(FASHION / "reference.pt", weights_only=True))
    path = tmp_path_factory.mktemp("exported") / "float32.onnx"
    program = torch.onnx.export(
        network, (torch.zeros(2, 1, 28, 28),), dynamo=True, input_names=["image"], output_names=["logits"],
        dynamic_shapes=({0: torch.export.Dim("batch")},), verbose=False, external_data=False,
    )  # fmt: skip
    program.save(path)
    return path

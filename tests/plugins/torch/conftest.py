from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from vetgate_torch.plugin import vetgate_backends

from vetgate.api import Artifact, Card, Member, Probe

MakeCard = Callable[..., Card]

OLDER_PYTORCH = (
    r"ignore:.torch\.jit\.:DeprecationWarning",
    "ignore:torch.ao.quantization is deprecated:DeprecationWarning",
    "ignore:Please use quant_min and quant_max:UserWarning",
    "ignore:torch.quantize_per_tensor:UserWarning",
    "ignore:TypedStorage is deprecated:UserWarning",
)
"""What PyTorch says against the formats and the quantisation that models in use are still made with."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep these tests, which make such models, from printing it."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            for warning in OLDER_PYTORCH:
                item.add_marker(pytest.mark.filterwarnings(warning))


@pytest.fixture
def make_card() -> MakeCard:
    def make(*, colour: str = "rgb", side: int = 8, **changes: object) -> Card:
        content: dict[str, Any] = {
            "version": 1,
            "input": {
                "size": [side, side],
                "resize": "none",
                "colour": colour,
                "scale": 1,
                "mean": [0],
                "std": [1],
                "layout": changes.pop("layout", "NCHW"),
            },
            "output": {"kind": "logits", "name": changes.pop("output_name", None)},
            **changes,
        }
        return Card.model_validate(content)

    return make


@pytest.fixture
def artifact() -> Callable[[Path], Artifact]:
    """Identify a file as the gate does: by content, with the plugin's own declarations."""

    def identify(path: Path) -> Artifact:
        data = path.read_bytes()
        names = tuple(zipfile.ZipFile(path).namelist()) if zipfile.is_zipfile(path) else ()
        probe = Probe(path=path, size=len(data), head=data[:4096], zip_members=names)
        (spec,) = vetgate_backends()
        (found,) = [entry.name for entry in spec.formats if entry.recognise(probe)]
        member = Member(name=path.name, sha256=hashlib.sha256(data).hexdigest(), size=len(data))
        return Artifact(path=str(path), name=path.name, format=found, backend=spec.name, members=(member,))

    return identify


@pytest.fixture
def small() -> nn.Module:
    """A small convolutional classifier of 3 x 8 x 8 images: 382 parameters, 16 of them normalisation."""
    torch.manual_seed(1)
    model = nn.Sequential(
        nn.Conv2d(3, 8, 3),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(2),
        nn.Flatten(),
        nn.Linear(32, 4),
    )
    with torch.no_grad():
        model(torch.randn(16, 3, 8, 8))
    return model.eval()


ARCHITECTURE = """
from torch import nn

def small():
    return nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(32, 4)
    )

def not_a_model():
    return 3

def needs_help(width):
    return nn.Linear(width, 2)

class Named(nn.Module):
    def __init__(self, pack):
        super().__init__()
        self.linear = nn.Linear(192, 4)
        self.pack = pack

    def forward(self, images):
        scores = self.linear(images.flatten(1))
        return self.pack(scores, scores * 2)

def mapping():
    return Named(lambda main, other: {"main": main, "other": other})

def pair():
    return Named(lambda main, other: (main, other))

def pixels():
    return Named(lambda main, other: main[:, :, None, None])
"""


@pytest.fixture
def code(tmp_path: Path) -> str:
    """Path of a file with architectures."""
    path = tmp_path / "architectures.py"
    path.write_text(ARCHITECTURE)
    return str(path)

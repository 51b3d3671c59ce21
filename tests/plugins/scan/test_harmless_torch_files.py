"""Honest files of PyTorch: none of them may raise an alarm."""

from __future__ import annotations

import argparse
import warnings
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from vetgate_scan.plugin import vetgate_scanners
from vetgate_vision import torchvision

from vetgate.api import Finding, ScannerSpec, Severity
from vetgate.testing.scanner import Sample, ScannerContract

jit: Any = torch.jit
quantization: Any = torch.ao.quantization
Scan = Callable[[Sample], tuple[Finding, ...]]
Write = Callable[[Path], str]
"""Writes a file and returns its format."""

HONEST: dict[str, Write] = {}


def honest(write: Write) -> Write:
    HONEST[write.__name__] = write
    return write


def small() -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(16, 5)).eval()


def state(protocol: int) -> Write:
    def write(path: Path) -> str:
        torch.save(small().state_dict(), path, pickle_protocol=protocol)
        return "torch-weights"

    return write


for number in (2, 3, 4, 5):
    HONEST[f"a state_dict in protocol {number}"] = state(number)


@honest
def a_torchvision_model(path: Path) -> str:
    torch.save(torchvision().models.mobilenet_v3_small().state_dict(), path)
    return "torch-weights"


@honest
def a_timm_model_with_its_arguments(path: Path) -> str:
    torchvision()  # which timm imports
    import timm

    model = timm.create_model("resnet10t", num_classes=10)
    arguments = argparse.Namespace(model="resnet10t", lr=0.1, output=Path("out"), amp=False)
    torch.save({"arch": "resnet10t", "epoch": 3, "state_dict": model.state_dict(), "args": arguments}, path)
    return "torch-weights"


@honest
def an_older_checkpoint(path: Path) -> str:
    torch.save(small().state_dict(), path, _use_new_zipfile_serialization=False)
    return "torch-weights"


@honest
def an_older_checkpoint_with_views_of_one_storage(path: Path) -> str:
    whole = torch.arange(12.0)
    torch.save({"a": whole[:6], "b": whole[6:].view(2, 3), "c": whole}, path, _use_new_zipfile_serialization=False)
    return "torch-weights"


@honest
def a_training_checkpoint(path: Path) -> str:
    model = small()
    optimizer = torch.optim.AdamW(model.parameters())
    model(torch.zeros(2, 3, 4, 4)).sum().backward()
    optimizer.step()
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 10)
    ema = defaultdict(list)
    ema["decay"].append(0.999)
    content = {
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "scheduler": scheduler.state_dict(),
        "scaler": torch.amp.GradScaler("cpu").state_dict(),
        "rng": torch.get_rng_state(),
        "numpy_rng": np.random.get_state(),  # as training scripts save it
        "best": np.float64(0.91),
        "losses": np.zeros(3),
        "history": ema,
        "names": ["cat", "dog", "Zürich \U0001f600"],
    }
    torch.save(content, path)
    return "torch-weights"


@honest
def half_and_brain_floats(path: Path) -> str:
    torch.save(
        {"h": torch.zeros(3).half(), "b": torch.zeros(5).bfloat16(), "f": torch.zeros(4, dtype=torch.float8_e4m3fn)},
        path,
    )
    return "torch-weights"


@honest
def every_kind_of_number(path: Path) -> str:
    kinds = (
        "float64",
        "float32",
        "int64",
        "int32",
        "int16",
        "int8",
        "uint8",
        "uint16",
        "bool",
        "complex64",
        "complex128",
    )
    torch.save({kind: torch.zeros(7, dtype=getattr(torch, kind)) for kind in kinds}, path)
    return "torch-weights"


@honest
def quantised_tensors(path: Path) -> str:
    values = torch.rand(4, 6)
    scales, points = torch.ones(4), torch.zeros(4, dtype=torch.int64)
    channels = torch.quantize_per_channel(values, scales, points, 0, torch.qint8)
    torch.save({"tensor": torch.quantize_per_tensor(values, 0.1, 0, torch.quint8), "channel": channels}, path)
    return "torch-weights"


@honest
def a_quantised_models_state(path: Path) -> str:
    model = quantization.quantize_dynamic(small(), {nn.Linear})
    torch.save(model.state_dict(), path)
    return "torch-weights"


@honest
def sparse_tensors(path: Path) -> str:
    torch.save({"coo": torch.eye(4).to_sparse(), "csr": torch.eye(4).to_sparse_csr()}, path)
    return "torch-weights"


@honest
def parameters_and_buffers(path: Path) -> str:
    tied = nn.Parameter(torch.zeros(3))
    marked = nn.Parameter(torch.zeros(2))
    marked.note = "kept"  # type: ignore[attr-defined]
    torch.save(OrderedDict(a=tied, b=tied, c=marked, d=nn.Buffer(torch.ones(1))), path)
    return "torch-weights"


@honest
def strided_views_and_empty_tensors(path: Path) -> str:
    torch.save(
        {"t": torch.zeros(4, 6).t(), "one": torch.zeros(8)[2:3], "none": torch.zeros(0), "dot": torch.tensor(1.0)}, path
    )
    return "torch-weights"


@honest
def a_large_number_of_tensors(path: Path) -> str:
    torch.save({f"layer{index}.weight": torch.zeros(1) for index in range(2000)}, path)
    return "torch-weights"


@honest
def a_scripted_program(path: Path) -> str:
    jit.script(small()).save(path)
    return "torchscript"


@honest
def a_traced_program_with_extra_files(path: Path) -> str:
    jit.save(jit.trace(small(), torch.zeros(1, 3, 4, 4)), path, _extra_files={"labels.txt": "cat\ndog\n"})
    return "torchscript"


@honest
def a_frozen_program(path: Path) -> str:
    jit.freeze(jit.script(small())).save(path)
    return "torchscript"


@honest
def a_quantised_program(path: Path) -> str:
    jit.script(quantization.quantize_dynamic(small(), {nn.Linear})).save(path)
    return "torchscript"


@honest
def a_program_for_phones(path: Path) -> str:
    jit.script(small())._save_for_lite_interpreter(str(path))
    return "torchscript"


@honest
def a_scripted_torchvision_model(path: Path) -> str:
    jit.script(torchvision().models.shufflenet_v2_x0_5().eval()).save(path)
    return "torchscript"


@honest
def an_exported_program(path: Path) -> str:
    torch.export.save(torch.export.export(small(), (torch.zeros(2, 3, 4, 4),)), path)
    return "torch-export"


class Guarded(nn.Module):
    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images.reshape(images.shape[0] // 2, 2, -1).sum(1)


@honest
def an_exported_program_with_guards(path: Path) -> str:
    free = torch.export.Dim.DYNAMIC
    program = torch.export.export(Guarded(), (torch.zeros(4, 3, 8, 8),), dynamic_shapes=({0: free, 2: free},))
    torch.export.save(program, path, extra_files={"card.yaml": "version: 1\n"})
    return "torch-export"


@honest
def an_exported_torchvision_model(path: Path) -> str:
    torch.export.save(
        torch.export.export(torchvision().models.mobilenet_v3_small().eval(), (torch.zeros(1, 3, 32, 32),)), path
    )
    return "torch-export"


@honest
def an_array_file(path: Path) -> str:
    with path.open("wb") as file:
        np.save(file, np.zeros((3, 4), dtype=[("a", "<f4"), ("b", "<U8")]))
    return ""


@honest
def an_npz_with_packed_arrays(path: Path) -> str:
    with path.open("wb") as file:
        np.savez_compressed(file, images=np.zeros((10, 8, 8, 3), np.uint8), labels=np.arange(10), names=np.array(["a"]))
    return ""


@pytest.mark.parametrize("name", HONEST)
def test_no_alarm(name: str, tmp_path: Path, scan: Scan) -> None:
    path = tmp_path / "model.bin"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        form = HONEST[name](path)
    assert scan(Sample(path, form)) == ()


def test_a_checkpoint_without_checksums_is_told_and_no_alarm(tmp_path: Path, scan: Scan) -> None:
    torch.serialization.set_crc32_options(False)
    try:
        torch.save(small().state_dict(), tmp_path / "model.pt")
    finally:
        torch.serialization.set_crc32_options(True)
    found = scan(Sample(tmp_path / "model.pt", "torch-weights"))
    assert {(finding.rule, finding.severity) for finding in found} == {("VG0214", Severity.LOW)}


class TestPickleScanner(ScannerContract):
    def spec(self) -> ScannerSpec:
        (spec,) = (spec for spec in vetgate_scanners() if spec.name == "pickle")
        return spec

    def harmless(self, folder: Path) -> Sequence[Sample]:
        torch.save(small().state_dict(), folder / "new.pt")
        torch.save(small().state_dict(), folder / "old.pt", _use_new_zipfile_serialization=False)
        return [Sample(folder / "new.pt", "torch-weights"), Sample(folder / "old.pt", "torch-weights")]

    def harmful(self, folder: Path, mark: Path) -> dict[str, Sample]:
        class Payload:
            def __reduce__(self) -> tuple[Any, ...]:
                return Path.touch, (mark,)

        torch.save({"x": Payload()}, folder / "evil.pt")
        torch.save(small(), folder / "module.pt")
        (folder / "cut.pt").write_bytes((folder / "module.pt").read_bytes()[:-200])
        return {
            "VG0101": Sample(folder / "evil.pt", "torch-weights"),
            "VG0102": Sample(folder / "module.pt", "torch-weights"),
            "VG0201": Sample(folder / "cut.pt", "torch-weights"),
        }

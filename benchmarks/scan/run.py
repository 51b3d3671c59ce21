"""How long scanning takes, beside reading the file once for its sha256; each the median of several runs.

python benchmarks/scan/run.py [NAME...]     needs torch, onnx and safetensors

`scanners` is what everybody who recognises the file takes in this process; sha256 and scanners are stated in processor
time, which other work on the machine does not lengthen, and in wall time in brackets. `vetgate scan` is a whole process
with its child, in wall time. Files are made in a temporary folder, of random weights, which hardly compress.
"""

from __future__ import annotations

import hashlib
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import NamedTuple

from vetgate.api import Artifact, Member, ScanContext, ScannerSpec
from vetgate.host import find_plugins
from vetgate.probing import probe

RUNS = 3
SEED = 0


class Case(NamedTuple):
    """One file to scan."""

    name: str
    format: str
    most: float
    """Seconds that the scanners may take."""
    write: Callable[[Path], None]


def _tensors(megabytes: int, count: int = 200) -> dict[str, object]:
    import torch

    generator = torch.Generator().manual_seed(SEED)
    each = megabytes * 1_000_000 // 4 // count
    return {f"layer{index}.weight": torch.randn(each, generator=generator) for index in range(count)}


def checkpoint(path: Path) -> None:
    """Write 100 MB of weights with torch.save."""
    import torch

    torch.save(_tensors(100), path)


def older_checkpoint(path: Path) -> None:
    """Write them as PyTorch before 1.6 did."""
    import torch

    torch.save(_tensors(100), path, _use_new_zipfile_serialization=False)


def many_tensors(path: Path) -> None:
    """Write 100 MB in 10,000 tensors, as a training checkpoint with its optimiser has."""
    import torch

    torch.save({"model": _tensors(34, 3400), "optimizer": _tensors(66, 6600)}, path)


def program(path: Path) -> None:
    """Write an exported program of 100 MB."""
    import torch

    torch.manual_seed(SEED)
    model = torch.nn.Sequential(*(torch.nn.Linear(1250, 1250) for _ in range(16)))
    torch.export.save(torch.export.export(model.eval(), (torch.zeros(2, 1250),)), path)


def script(path: Path) -> None:
    """Write a TorchScript program of 100 MB."""
    import torch

    torch.manual_seed(SEED)
    model = torch.nn.Sequential(*(torch.nn.Linear(1250, 1250) for _ in range(16)))
    torch.jit.save(torch.jit.script(model.eval()), path)


def network(path: Path) -> None:
    """Write an ONNX model of 20 MB: 50 layers, as a classifier has."""
    _network(path, 50, 100_000)


def deep_network(path: Path) -> None:
    """Write an ONNX model of 20 MB in 5,000 nodes and as many tensors."""
    _network(path, 5000, 1000)


def _network(path: Path, layers: int, elements: int) -> None:
    import numpy as np
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    draw = np.random.default_rng(SEED)
    names = ["image", *(f"value{index}" for index in range(layers))]
    tensors = [
        numpy_helper.from_array(draw.standard_normal(elements).astype(np.float32), f"w{index}")
        for index in range(layers)
    ]
    nodes = [helper.make_node("Add", [names[index], f"w{index}"], [names[index + 1]]) for index in range(layers)]
    given = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, elements]) for name in (names[0], names[-1])]
    graph = helper.make_graph(nodes, "graph", given[:1], given[1:], tensors)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)]), str(path))


def bomb(path: Path) -> None:
    """Write 20 MB of empty nodes, ten million of them, as an ONNX graph."""
    content = b"\x0a\x00" * 10_000_000
    path.write_bytes(b"\x08\x0a\x42\x02\x10\x14\x3a\x80\xda\xc4\x09" + content)


def safetensors(path: Path) -> None:
    """Write 100 MB of weights as safetensors."""
    import numpy as np
    from safetensors.numpy import save_file

    draw = np.random.default_rng(SEED)
    save_file({f"layer{index}.weight": draw.standard_normal(125_000, np.float32) for index in range(200)}, path)


CASES = (
    Case("ONNX 20 MB", "onnx", 0.5, network),
    Case("ONNX 20 MB, 5,000 nodes", "onnx", 0.5, deep_network),
    Case("ONNX bomb 20 MB", "onnx", 10.0, bomb),
    Case("safetensors 100 MB", "safetensors", 2.0, safetensors),
    Case("checkpoint 100 MB", "torch-weights", 2.0, checkpoint),
    Case("checkpoint 100 MB, 10,000 tensors", "torch-weights", 2.0, many_tensors),
    Case("older checkpoint 100 MB", "torch-weights", 2.0, older_checkpoint),
    Case("exported program 100 MB", "torch-export", 2.0, program),
    Case("TorchScript 100 MB", "torchscript", 2.0, script),
)


class Taken(NamedTuple):
    """Median seconds of an action."""

    processor: float
    wall: float


def median(action: Callable[[], object]) -> Taken:
    """Return the median seconds of an action, the first run not counted."""
    processor, wall = [], []
    for _ in range(RUNS + 1):
        start, began = time.process_time(), time.perf_counter()
        action()
        processor.append(time.process_time() - start)
        wall.append(time.perf_counter() - began)
    return Taken(statistics.median(processor[1:]), statistics.median(wall[1:]))


@cache
def scanners() -> tuple[ScannerSpec, ...]:
    """Return every scanner on offer."""
    return tuple(find_plugins((), {}).scanners())


def scan(path: Path, form: str) -> tuple[object, ...]:
    """Scan a file in this process with everybody who recognises it, as the gate's child does."""
    member = Member(name=path.name, sha256="0" * 64, size=path.stat().st_size)
    artifact = Artifact(path=str(path), name=path.name, format=form, backend="", members=(member,))
    context = ScanContext(artifact, form, seconds=60.0, memory=2_000_000_000)
    look = probe(path)
    called = [spec for spec in scanners() if spec.recognise(look)]
    return tuple(finding for spec in called for finding in spec.factory().scan(context))


def main() -> None:
    """Print the table."""
    wanted = sys.argv[1:]
    script_path = str(Path(sys.executable).parent / "vetgate")
    print("| file | sha256, s | scanners, s | of sha256 | vetgate scan, s | limit, s | findings |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for case in CASES:
        if wanted and not any(word in case.name for word in wanted):
            continue
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.bin"
            case.write(path)
            digest = median(lambda: hashlib.sha256(path.read_bytes()).hexdigest())  # noqa: B023  # called at once
            found = scan(path, case.format)
            taken = median(lambda: scan(path, case.format))  # noqa: B023
            whole = median(lambda: subprocess.run([script_path, "scan", str(path)], check=False, capture_output=True))  # noqa: B023
            print(
                f"| {case.name} | {digest.processor:.3f} ({digest.wall:.2f}) "
                f"| {taken.processor:.3f} ({taken.wall:.2f}) "
                f"| {taken.processor / digest.processor:.2f} | {whole.wall:.2f} | {case.most} | {len(found)} |",
                flush=True,
            )


if __name__ == "__main__":
    main()

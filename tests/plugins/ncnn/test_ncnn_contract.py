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


@pytest.mark.parametrize(
    ("what", "change"),
    [
        ("a float, of which ncnn takes the bits", ("0=5 1=1", "0=5.0 1=1")),
        ("a list where a number is wanted", ("0=5 1=1", "0=5,1 1=1")),
        ("a number whose rest ncnn reads as the next", ("0=5 1=1", "0=00000000000000005 1=1")),
        ("a number beyond 32 bits", ("0=5 1=1", "0=4294967301 1=1")),
        ("digits that C does not know", ("0=5 1=1", "0=\u0665 1=1")),
        ("a space that C does not know", ("fc     1", "fc\u2003 1")),
        ("a name that ncnn cuts in two", ("fc     1", f"{'f' * 300} 1")),
        ("a count of blobs that Python would cut", ("fc     1 1", "fc 1 10000001")),
        ("an identifier below the first", ("0=5 1=1", "-1=5 0=5 1=1")),
        ("weights of int8 without scales", None),
    ],
)
def test_what_ncnn_would_read_otherwise_than_the_scan_is_found(
    tmp_path: Path, what: str, change: tuple[str, str] | None
) -> None:
    layers = LAYERS.replace(*change) if change else LAYERS
    data = None if change else tiny_ncnn.INT8 + bytes(108 + 16) + tiny_ncnn.FLOAT + bytes(80 + 20)
    assert change is None or layers != LAYERS
    sample = Sample(tiny_ncnn.written(tmp_path, layers, data), "ncnn", ("model.bin",))
    assert "VG1101" in {finding.rule for finding in TestNcnnScanner().scan(sample)}, what


def test_more_blobs_than_ncnn_reserves_are_found(tmp_path: Path) -> None:
    path = tiny_ncnn.written(tmp_path)
    path.write_text(path.read_text(encoding="utf-8").replace("\n4 4\n", "\n4 3\n"), encoding="utf-8")
    assert "VG1101" in {found.rule for found in TestNcnnScanner().scan(Sample(path, "ncnn", ("model.bin",)))}


@pytest.mark.parametrize("part", ["model.param", "model.bin"])
def test_a_model_that_was_cut_off_is_unreadable_and_no_attack(tmp_path: Path, part: str) -> None:
    path = tiny_ncnn.written(tmp_path)
    content = (tmp_path / part).read_bytes()
    (tmp_path / part).write_bytes(content[: len(content) // 2])
    with pytest.raises(UnreadableArtifact, match=f"^{part} is truncated"):
        TestNcnnScanner().scan(Sample(path, "ncnn", ("model.bin",)))


def test_weights_that_go_on_behind_the_last_layer_are_told_of_their_own_file(tmp_path: Path) -> None:
    path = tiny_ncnn.written(tmp_path)
    weights = path.with_suffix(".bin")
    size = weights.stat().st_size
    weights.write_bytes(weights.read_bytes() + bytes(8))
    (found,) = TestNcnnScanner().scan(Sample(path, "ncnn", ("model.bin",)))
    assert (found.rule, found.location) == ("VG1105", f"model.bin: byte {size:,}")

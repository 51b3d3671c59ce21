"""MNN's backend keeps the contract of backends, and its scanner that of scanners."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from vetgate_scan.plugin import vetgate_scanners

from tests.plugins.mnn import tiny_mnn
from tests.plugins.mnn.tiny_mnn import changed
from vetgate.api import BackendSpec, ScannerSpec, UnreadableArtifact
from vetgate.testing import BackendContract, Example
from vetgate.testing.scanner import Sample, ScannerContract

PLUGIN, WHILE = 256, 600


class TestMnn(BackendContract):
    def spec(self) -> BackendSpec:
        return tiny_mnn.spec()

    def example(self, folder: Path) -> Example:
        images = tiny_mnn.images(4)
        return Example(tiny_mnn.written(folder), tiny_mnn.make_card(), images, tiny_mnn.answers(images))


class TestMnnScanner(ScannerContract):
    def spec(self) -> ScannerSpec:
        return next(spec for spec in vetgate_scanners() if spec.name == "mnn")

    def harmless(self, folder: Path) -> Sequence[Sample]:
        made = {"plain": (), "half": ("--fp16",), "small": ("--weightQuantBits", "4")}
        return [Sample(tiny_mnn.written(folder / name, *options), "mnn") for name, options in made.items()]

    def harmful(self, folder: Path, mark: Path) -> Mapping[str, Sample]:
        content = tiny_mnn.content()
        attacks = {
            "VG1301": changed(content, "Convolution", (), 0, 1_000_000, entry=0),
            "VG1302": changed(content, "Convolution", (), 5, PLUGIN),
            "VG1303": tiny_mnn.content("--saveExternalData"),
            "VG1304": changed(content, "Input", (2,), 0, 1 << 30, entry=2),
            "VG1305": changed(content, "Convolution", (2, 0), 10, 5),
            "VG1306": changed(content, "Convolution", (), 5, WHILE),
        }
        samples = {}
        for rule, attack in attacks.items():
            (folder / f"{rule}.mnn").write_bytes(attack)
            samples[rule] = Sample(folder / f"{rule}.mnn", "mnn")
        return samples


@pytest.mark.parametrize("share", [0.3, 0.9, 0.98])
def test_a_model_that_was_cut_off_is_unreadable_and_no_attack(tmp_path: Path, share: float) -> None:
    path = tiny_mnn.written(tmp_path)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(UnreadableArtifact, match="truncated"):
        TestMnnScanner().scan(Sample(path, "mnn"))


@pytest.mark.parametrize(("way", "field", "value"), [((2, 0), 4, 0), ((2, 0), 2, -1), ((2, 3), 2, 2)])
def test_what_a_kernel_would_take_its_word_for_is_found(
    tmp_path: Path, way: tuple[int, ...], field: int, value: int
) -> None:
    """A stride of nothing, a kernel below nothing, and packed weights that claim to be sparse."""
    path = tmp_path / "model.mnn"
    path.write_bytes(changed(tiny_mnn.content("--weightQuantBits", "8"), "Convolution", way, field, value))
    assert {finding.rule for finding in TestMnnScanner().scan(Sample(path, "mnn"))} == {"VG1305"}


def test_packed_weights_that_claim_more_than_there_is_are_found(tmp_path: Path) -> None:
    """MNN's reader copies as many bytes as the lengths in front of them say."""
    content = tiny_mnn.content("--weightQuantBits", "8")
    lengths = bytes([2, 4, 0, 27, 0])  # two of 16 bits: outputs, and weights for each
    assert content.count(lengths) == 1
    path = tmp_path / "model.mnn"
    path.write_bytes(content.replace(lengths, bytes([2, 4, 0, 27, 2])))
    assert {finding.rule for finding in TestMnnScanner().scan(Sample(path, "mnn"))} == {"VG1305"}

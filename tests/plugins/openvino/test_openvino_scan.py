"""OpenVINO's models under the scanner: honest ones are clean, each attack is found, nothing of them is opened."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import openvino
import pytest
from openvino import opset13 as ops
from vetgate_scan.plugin import vetgate_scanners

from tests.plugins.openvino import tiny_ir
from vetgate.api import ScannerSpec, UnreadableArtifact
from vetgate.probing import probe
from vetgate.testing.scanner import Sample, ScannerContract


def changed(folder: Path, name: str, change: Callable[[str], str]) -> Sample:
    """Write a small model whose XML was changed."""
    (folder / name).mkdir(parents=True)
    path = tiny_ir.written(folder / name, tiny_ir.convolutional())
    text = path.read_text(encoding="utf-8")
    assert change(text) != text, "the change must change something"
    path.write_text(change(text), encoding="utf-8")
    return Sample(path, "openvino", ("model.bin",))


ATTACKS: dict[str, Callable[[str], str]] = {
    "VG1002": lambda text: re.sub(r'offset="\d+"', f'offset="{1 << 60}"', text, count=1),
    "VG1003": lambda text: re.sub(r'shape="4, 3, 3, 3"', 'shape="4, 3, 3, 4"', text, count=1),
    "VG1004": lambda text: re.sub(r'version="opset\d+"', 'version="extension"', text, count=1),
    "VG1005": lambda text: text.replace("<layers>", "<a>" * 300 + "</a>" * 300 + "<layers>", 1),
    "VG1006": lambda text: re.sub(r"<dim>8</dim>", "<dim>9999999999</dim>", text, count=1),
    "VG1007": lambda text: re.sub(r'from-layer="\d+"', 'from-layer="77777"', text, count=1),
}


@pytest.mark.parametrize(
    ("rule", "change"),
    [
        ("VG1003", lambda text: text.replace('shape="4, 3, 3, 3"', f'shape="{"4, " * 100_000}3"', 1)),
        ("VG1008", lambda text: text.replace("<dim>8</dim>", "<dim>9</dim>" * 100_000, 1)),
    ],
)
def test_shapes_of_a_million_lengths_are_found_at_once(tmp_path: Path, rule: str, change: Callable[[str], str]) -> None:
    sample = changed(tmp_path, "long", change)
    before = time.process_time()
    assert rule in {finding.rule for finding in TestIr().scan(sample)}
    assert time.process_time() - before < 5


class TestIr(ScannerContract):
    def spec(self) -> ScannerSpec:
        return next(spec for spec in vetgate_scanners() if spec.name == "openvino")

    def harmless(self, folder: Path) -> Sequence[Sample]:
        made = {
            "plain": tiny_ir.convolutional(),
            "half": tiny_ir.convolutional(half=True, batch=1),
            "small": tiny_ir.convolutional(small=True, outputs=2, size=-1),
            "looped": looped(),
        }
        samples = []
        for name, model in made.items():
            (folder / name).mkdir()
            samples.append(Sample(tiny_ir.written(folder / name, model), "openvino", ("model.bin",)))
        return samples

    def harmful(self, folder: Path, mark: Path) -> Mapping[str, Sample]:
        return {name: changed(folder, name, change) for name, change in ATTACKS.items()}


def looped() -> openvino.Model:
    """Return a model with a loop that adds its input three times."""
    image = ops.parameter([1, 4], name="image")
    total, given = ops.parameter([1, 4]), ops.parameter([1, 4])
    body = openvino.Model([ops.add(total, given), ops.constant(True, dtype=bool)], [total, given], "body")
    loop = ops.loop(ops.constant(3), ops.constant(True))
    loop.set_function(body)
    loop.set_special_body_ports([-1, 1])
    loop.set_merged_input(total, image.output(0), body.results[0].input_value(0))
    loop.set_invariant_input(given, image.output(0))
    return openvino.Model([loop.get_iter_value(body.results[0].input_value(0), -1)], [image], "looped")


def test_a_document_type_is_refused_before_anything_of_it_is_read(tmp_path: Path) -> None:
    from vetgate_scan.ir_scanner import scan_files

    file = tmp_path / "model.xml"
    file.write_text('<!DOCTYPE net [<!ENTITY a SYSTEM "file:///etc/passwd">]><net name="&a;"/>', encoding="utf-8")
    assert [finding.rule for finding in scan_files(file, None)] == ["VG1001"]


def test_attributes_that_stand_twice_are_found_for_readers_differ(tmp_path: Path) -> None:
    sample = changed(tmp_path, "twice", lambda text: text.replace("<data ", '<data offset="0" size="4" /><data ', 1))
    assert "VG1008" in {finding.rule for finding in TestIr().scan(sample)}


def test_weights_that_go_on_behind_the_last_constant_are_found(tmp_path: Path) -> None:
    path = tiny_ir.written(tmp_path, tiny_ir.convolutional())
    (tmp_path / "model.bin").write_bytes((tmp_path / "model.bin").read_bytes() + b"rides along")
    (found,) = TestIr().scan(Sample(path, "openvino", ("model.bin",)))
    assert found.rule == "VG1009"
    assert found.location.startswith("model.bin: byte "), "the offset is one in the weights"


@pytest.mark.parametrize("head", [b"<!---->" * 500, b" " * 4096, b"<!-- " * 800, b"<?xml" + b"?" * 4000])
def test_no_head_of_a_hostile_file_keeps_the_gate_busy(tmp_path: Path, head: bytes) -> None:
    spec = tiny_ir.spec()
    (tmp_path / "model.xml").write_bytes(head)
    before = time.process_time()
    assert not spec.formats[0].recognise(probe(tmp_path / "model.xml"))
    assert time.process_time() - before < 1


@pytest.mark.parametrize("part", ["model.xml", "model.bin"])
def test_a_model_that_was_cut_off_is_unreadable_and_no_attack(tmp_path: Path, part: str) -> None:
    path = tiny_ir.written(tmp_path, tiny_ir.convolutional())
    content = (tmp_path / part).read_bytes()
    (tmp_path / part).write_bytes(content[: len(content) // 2])
    with pytest.raises(UnreadableArtifact) as refused:
        TestIr().scan(Sample(path, "openvino", ("model.bin",)))
    assert refused.value.message.startswith(f"{part} is truncated")

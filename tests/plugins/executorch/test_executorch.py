"""ExecuTorch's backend and scanner, on the program of examples/fashion."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from vetgate_executorch.describe import stored_tensors
from vetgate_executorch.plugin import vetgate_backends
from vetgate_runtime import flatbuffer
from vetgate_runtime.pte import Call, Method, Program, TensorInfo
from vetgate_scan.plugin import vetgate_scanners

from tests.plugins.formats import networks
from vetgate.api import BackendSpec, CardError, ScannerSpec, UnreadableArtifact
from vetgate.testing import BackendContract, Example
from vetgate.testing.scanner import Sample, ScannerContract

KIND = next(kind for kind in networks.FORMATS if kind.format == "executorch")


class TestExecutorch(BackendContract):
    def spec(self) -> BackendSpec:
        return next(iter(vetgate_backends()))

    def example(self, folder: Path) -> Example:
        images = networks.images(4)
        expected = networks.exact(images).astype(np.float32)
        return Example(networks.executorch(folder), networks.card_of(KIND), images, expected, tolerance=1e-4)


class TestExecutorchScanner(ScannerContract):
    def spec(self) -> ScannerSpec:
        return next(spec for spec in vetgate_scanners() if spec.name == "executorch")

    def harmless(self, folder: Path) -> Sequence[Sample]:
        return [Sample(networks.executorch(folder), "executorch")]

    def harmful(self, folder: Path, mark: Path) -> Mapping[str, Sample]:
        content = networks.executorch(folder).read_bytes()
        delegate = content.replace(b"XnnpackBackend", b"StrangeBackend")
        custom = content.replace(b"aten::", b"evil::")
        broken = bytearray(content)
        broken[0:4] = b"\xf0\xff\xff\x7f"
        made = {"VG1202": delegate, "VG1203": custom, "VG1201": bytes(broken)}
        samples = {}
        for rule, changed in made.items():
            if changed != content:
                (folder / f"{rule}.pte").write_bytes(changed)
                samples[rule] = Sample(folder / f"{rule}.pte", "executorch")
        return samples


def test_more_images_than_memory_was_planned_for_are_asked_in_parts(tmp_path: Path) -> None:
    images = networks.images(19)
    with networks.opened(KIND, networks.executorch(tmp_path)) as model:
        answers = model.predict(images)
    np.testing.assert_allclose(answers, networks.exact(images), atol=1e-4)


def test_what_really_ran_is_told(tmp_path: Path) -> None:
    with networks.opened(KIND, networks.executorch(tmp_path)) as model:
        told = model.execution
    assert (told.runtime, told.provider, told.threads) == ("executorch", "XnnpackBackend", 1)
    assert told.notes


def test_what_a_delegate_holds_is_unknown_and_never_a_number(tmp_path: Path) -> None:
    from vetgate_executorch.describe import describe

    told = describe(networks.executorch(tmp_path))
    assert told.inputs[0].shape == (None, 1, 28, 28)
    assert told.outputs[0].shape == (None, 10)
    assert told.macs is None
    assert not told.tensors
    assert any("delegates" in note for note in told.notes)


def test_a_card_that_contradicts_the_program_is_refused(tmp_path: Path) -> None:
    path = networks.executorch(tmp_path)
    card = networks.card_of(KIND)
    other = card.model_copy(update={"input": card.input.model_copy(update={"size": (32, 32)})})
    spec = next(iter(vetgate_backends()))
    from vetgate.api import Artifact, OpenOptions

    artifact = Artifact(path=str(path), name=path.name, format="executorch", backend="executorch", members=())
    with pytest.raises(CardError, match=r"takes \? x 1 x 28 x 28"), spec.factory().open(artifact, other, OpenOptions()):
        pass


def test_a_program_that_was_cut_off_is_unreadable_and_no_attack(tmp_path: Path) -> None:
    path = networks.executorch(tmp_path)
    path.write_bytes(path.read_bytes()[:300_000])
    with pytest.raises(UnreadableArtifact, match="truncated"):
        TestExecutorchScanner().scan(Sample(path, "executorch"))


def test_an_instruction_that_takes_a_value_which_is_not_there_is_found(tmp_path: Path) -> None:
    path = networks.executorch(tmp_path)
    taken = struct.pack("<I6i", 6, 10, 14, 15, 16, 11, 11)  # of aten::mean.out
    content = path.read_bytes()
    assert content.count(taken) == 1
    path.write_bytes(content.replace(taken, struct.pack("<I6i", 6, 10, 14, 15, 16, 11, 1 << 20)))
    assert [finding.rule for finding in TestExecutorchScanner().scan(Sample(path, "executorch"))] == ["VG1201"]


def test_a_program_whose_lists_share_their_parts_without_end_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flatbuffer, "MOST", 1000)
    sample = Sample(networks.executorch(tmp_path), "executorch")
    assert "again and again" in TestExecutorchScanner().scan(sample)[0].message


def test_running_figures_of_a_batch_normalisation_are_not_learned() -> None:
    tensors = (None, *(TensorInfo("float32", 32, (4,), False, buffer, False) for buffer in range(1, 6)))
    call = Call(delegated=False, number=0, values=(0, 1, 2, 3, 4, 0, 0, 0))
    method = Method("forward", tensors, (), (), ("aten::_native_batch_norm_legit_no_training.out",), (), (call,))
    constants = (b"", *(np.arange(4, dtype=np.float32).tobytes() for _ in range(5)))
    program = Program((method,), tuple(map(memoryview, constants)), ())
    kinds = {tensor.name: tensor.kind for tensor in stored_tensors(program, method)}
    assert kinds == {
        "constant1": "normalisation", "constant2": "normalisation", "constant3": "state", "constant4": "state",
        "constant5": "parameter",
    }  # fmt: skip

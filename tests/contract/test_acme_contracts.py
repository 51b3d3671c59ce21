"""The contract tests that we hand to strangers hold for a stranger's backend, and notice one that lies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vetgate.domain.check import TableContext
from vetgate.domain.compress import Bench
from vetgate.domain.predictions import Predictions, PredictionTable
from vetgate.domain.source import ModelOrigin
from vetgate.domain.specs import (
    ArtifactSourceSpec,
    BackendSpec,
    CheckSpec,
    CompressorSpec,
    LabellerSpec,
    PublisherSpec,
    ScannerSpec,
)
from vetgate.domain.trainer import CandidateSeen, ImageSet, TrainerContext, Tuning
from vetgate.testing import (
    ArtifactSourceContract,
    BackendContract,
    CheckContract,
    CompressorContract,
    Example,
    LabellerContract,
    LinearModel,
    PublisherContract,
    Sample,
    ScannerContract,
    TrainerCheckContract,
    toy_card,
)

RNG = np.random.default_rng(3)
WEIGHT = RNG.normal(size=(16, 3)).astype(np.float32)
SCALE = RNG.normal(size=4).astype(np.float32)
HEAD = RNG.normal(size=(4, 3)).astype(np.float32)
IMAGES = RNG.normal(size=(5, 1, 4, 4)).astype(np.float32)


class _Acme:
    @pytest.fixture(autouse=True)
    def _installed(self, acme: Path) -> None:
        """Let every inherited test see the plugin."""

    def spec(self) -> BackendSpec:
        from acme_vetgate import plugin

        (spec,) = plugin.vetgate_backends()
        return spec

    def write(self, folder: Path, misbehave: str = "") -> Example:
        from acme_vetgate.backend import write_toy

        path = write_toy(folder / "model.toy", WEIGHT, misbehave=misbehave)
        expected = LinearModel(WEIGHT, np.zeros(3, dtype=np.float32)).predict(IMAGES)
        return Example(path, toy_card(), IMAGES, expected)


class TestAcme(_Acme, BackendContract):
    def example(self, folder: Path) -> Example:
        return self.write(folder)


class TestAcmeScanner(ScannerContract):
    @pytest.fixture(autouse=True)
    def _installed(self, acme: Path) -> None:
        """Let every inherited test see the plugin."""

    def spec(self) -> ScannerSpec:
        from acme_vetgate import plugin

        (spec,) = plugin.vetgate_scanners()
        return spec

    def harmless(self, folder: Path) -> list[Sample]:
        return [self._write(folder, "")]

    def harmful(self, folder: Path, mark: Path) -> dict[str, Sample]:
        return {"ACME01": self._write(folder, "code"), "ACME02": self._write(folder, "note")}

    def _write(self, folder: Path, scan: str) -> Sample:
        from acme_vetgate.backend import write_toy

        return Sample(write_toy(folder / f"{scan}.toy", WEIGHT, scan=scan), format="acme")


class TestAcmeCheck(CheckContract):
    @pytest.fixture(autouse=True)
    def _installed(self, acme: Path) -> None:
        """Let every inherited test see the plugin."""

    def spec(self) -> CheckSpec[Any]:
        from acme_vetgate import plugin

        (spec,) = plugin.vetgate_checks()
        return spec

    def context(self) -> TableContext:
        probabilities = np.asarray([[0.95, 0.05], [0.5, 0.5], [0.1, 0.9]])
        model = Predictions(np.log(probabilities).astype(np.float32), probabilities, probabilities.argmax(axis=1))
        return TableContext(PredictionTable(("a", "b", "c"), None, ("cat", "dog"), model, model))


class TestAcmeDeep(BackendContract):
    @pytest.fixture(autouse=True)
    def _installed(self, acme: Path) -> None:
        """Let every inherited test see the plugin."""

    def spec(self) -> BackendSpec:
        from acme_vetgate import learner

        (spec,) = learner.vetgate_backends()
        return spec

    def example(self, folder: Path) -> Example:
        from acme_vetgate.deep import write_deep

        path = write_deep(folder / "model.deep", SCALE, HEAD)
        maps = np.maximum(IMAGES * SCALE[:, np.newaxis, np.newaxis], 0)
        return Example(path, toy_card(), IMAGES, (maps.mean(axis=(2, 3)) @ HEAD).astype(np.float32))


class TestAcmeLesson(TrainerCheckContract):
    @pytest.fixture(autouse=True)
    def _installed(self, acme: Path) -> None:
        """Let every inherited test see the plugin."""

    def spec(self) -> CheckSpec[Any]:
        from acme_vetgate import learner

        (spec,) = learner.vetgate_checks()
        return spec

    def lesson(self, shelf: Path) -> TrainerContext:
        from acme_vetgate.deep import DeepModel

        model = DeepModel((1, 4, 4), SCALE, HEAD, "")

        def images(name: str, seed: int) -> ImageSet:
            pixels = np.random.default_rng(seed).integers(0, 256, size=(30, 4, 4, 1), dtype=np.uint8)
            maps = model.maps(_normalise(pixels))
            logits = model.head(maps)
            probabilities = np.exp(logits.astype(np.float64))
            probabilities /= probabilities.sum(axis=1, keepdims=True)
            ids = tuple(f"{name}{row}" for row in range(30))
            seen = CandidateSeen(probabilities, logits, maps.mean(axis=(2, 3)), maps)
            return ImageSet(name, ids, ids, pixels, logits.argmax(axis=1).astype(np.int64), seen)

        return TrainerContext(
            reference=lambda: model,
            reference_card=toy_card(),
            candidate=lambda: model,
            candidate_card=toy_card(),
            candidate_name="candidate",
            classes=("a", "b", "c"),
            feature_map=model.taps()[0],
            feature_note="",
            vetted=images("vetted", 1),
            training=images("training", 2),
            concepts={},
            normalise=_normalise,
            label=None,
            tuning=Tuning(),
            shelf=shelf,
            reference_key="1" * 64,
            candidate_key="2" * 64,
            candidate_parameters=9,
            candidate_macs=9,
            seed=0,
            threads=1,
            tell=lambda _what, _done, _total: None,
        )


def _normalise(pixels: np.ndarray) -> np.ndarray:
    return (np.moveaxis(pixels, 3, 1) / 255).astype(np.float32)


class TestAcmeCompressor(CompressorContract):
    @pytest.fixture(autouse=True)
    def _installed(self, acme: Path) -> None:
        """Let every inherited test see the plugin."""
        pytest.importorskip("onnxruntime")

    def spec(self) -> CompressorSpec:
        from acme_vetgate import compress

        (spec,) = compress.vetgate_compressors()
        return spec

    def bench(self, folder: Path) -> Bench:
        return Bench(
            source=write_onnx(folder / "model.onnx"),
            output=folder / "variant.onnx",
            card=toy_card(),
            module=lambda: None,
            donor=None,
            initial=None,
            calibration=None,
            training=None,
            normalise=lambda pixels: pixels.astype(np.float32),
            settings={"digits": 1},
            seed=1,
            threads=1,
            tell=lambda _what, _done, _total: None,
        )

    def images(self) -> Any:
        return IMAGES[:3]

    def test_weights_are_rounded(self, tmp_path: Path) -> None:
        import onnx

        bench = self.bench(tmp_path)
        self.spec().factory().compress(bench)
        (weight,) = onnx.load(bench.output).graph.initializer
        np.testing.assert_array_equal(onnx.numpy_helper.to_array(weight), np.round(WEIGHT, 1))


class TestAcmeLabeller(LabellerContract):
    @pytest.fixture(autouse=True)
    def _installed(self, acme: Path) -> None:
        """Let every inherited test see the plugin."""

    def spec(self) -> LabellerSpec:
        from acme_vetgate import learner

        (spec,) = learner.vetgate_labellers()
        return spec

    def settings(self) -> dict[str, str]:
        return {"word": "thing"}

    def asked(self) -> int:
        return 0


def write_onnx(path: Path) -> Path:
    """Write one linear layer on 4 x 4 grey images."""
    from onnx import TensorProto, helper, numpy_helper, save

    graph = helper.make_graph(
        [helper.make_node("Flatten", ["image"], ["flat"]), helper.make_node("MatMul", ["flat", "weight"], ["logits"])],
        "toy",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", 1, 4, 4])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", 3])],
        [numpy_helper.from_array(WEIGHT, "weight")],
    )
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10), path)
    return path


class _Wrong(_Acme, BackendContract):
    def example(self, folder: Path) -> Example:
        return self.write(folder, "lie")


def test_a_backend_that_answers_for_more_images_than_it_got_breaks_the_contract(acme: Path, tmp_path: Path) -> None:
    wrong: Any = _Wrong()
    with pytest.raises(AssertionError):
        wrong.test_it_answers_as_the_model_does(tmp_path)


class TestAcmeSource(ArtifactSourceContract):
    @pytest.fixture(autouse=True)
    def _depot(self, acme: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
        from acme_vetgate.backend import write_toy

        depot = tmp_path_factory.mktemp("depot")
        monkeypatch.setenv("ACME_DEPOT", str(depot))
        (depot / "base").mkdir()
        self.model = write_toy(depot / "base" / "model.toy", WEIGHT)

    def spec(self) -> ArtifactSourceSpec:
        from acme_vetgate import depot

        (spec,) = depot.vetgate_artifact_sources()
        return spec

    def name(self) -> str:
        return "acme:/base"

    def missing(self) -> str:
        return "acme:/nowhere"

    def content(self) -> bytes:
        return self.model.read_bytes()


class TestAcmePublisher(PublisherContract):
    @pytest.fixture(autouse=True)
    def _depot(self, acme: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("ACME_DEPOT", str(tmp_path))
        self.depot = tmp_path

    def spec(self) -> PublisherSpec:
        from acme_vetgate import depot

        (spec,) = depot.vetgate_publishers()
        return spec

    def settings(self) -> dict[str, str]:
        return {"shelf": "notes"}

    def candidate(self) -> tuple[str, ModelOrigin | None]:
        return "acme:/good", ModelOrigin(source="acme", file="model.toy")

    def in_use(self) -> bool:
        return (self.depot / "notes" / "in-use").exists()

    def asked(self) -> int:
        return len(list(self.depot.iterdir()))

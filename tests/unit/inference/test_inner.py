"""Inner tensors come out of a child process as they are, and a child that lies about them is not believed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vetgate.domain.errors import Inconclusive, WorkerFailed
from vetgate.domain.samples import Samples
from vetgate.inference import inner as inner_tensors
from vetgate.inference.child import Worker
from vetgate.inference.inner import LiveInner, Probes
from vetgate.inference.memory import SharedBuffer
from vetgate.testing.toy import toy_card

TAPPED = '''
"""Toy models that show what they multiply, and some that lie about it."""
from contextlib import contextmanager

import numpy as np
from acme_vetgate import plugin
from acme_vetgate.backend import AcmeBackend, AcmeModel

from vetgate.api import BackendSpec, Tap


class Tapped(AcmeModel):
    def __init__(self, model):
        self.__dict__.update(model.__dict__)
        self.lie, self._misbehave = model._misbehave, ""

    def taps(self):
        shape = (0,) if self.lie == "empty" else (1 << 28,) if self.lie == "huge" else (16,)
        taps = [Tap(name="pixels", shape=shape, layer=0, operator="Flatten", features=True)]
        taps.append(Tap(name="scores", shape=(3,), layer=1, operator="Linear", weighted=True))
        return (*taps, taps[0]) if self.lie == "twice" else tuple(taps)

    def tap_notes(self):
        return ("made by code",)

    def capture(self, images, names):
        pixels = images.reshape(len(images), -1)
        if self.lie == "nan":
            pixels = pixels * np.nan
        if self.lie == "shape":
            pixels = pixels[:, :15]
        if self.lie == "more":
            pixels = np.repeat(pixels, 2, axis=0)
        found = {"pixels": pixels, "scores": self.predict(images)}
        return {name: found[name] for name in names}


class TappedBackend(AcmeBackend):
    @contextmanager
    def open(self, artifact, card, options):
        with super().open(artifact, card, options) as model:
            yield Tapped(model)


def vetgate_backends():
    (spec,) = plugin.vetgate_backends()
    return [BackendSpec(spec.name, spec.summary, spec.formats, TappedBackend)]
'''
WEIGHT = np.random.default_rng(3).normal(size=(16, 3)).astype(np.float32)
CARD = toy_card()
PIXELS = np.random.default_rng(4).integers(0, 256, size=(30, 4, 4), dtype=np.uint8)


class Source:
    def __init__(self, images: Any) -> None:
        ids = [f"i{row}" for row in range(len(images))]
        self._images, self.samples = images, Samples(ids, ids, None, None)

    def read(self, index: int) -> Any:
        return self._images[index]


@pytest.fixture
def make_inner(make_worker: Any, ring: SharedBuffer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that opens a toy model in a child and gives its inner tensors."""
    import os

    folder = tmp_path / "plugin"
    folder.mkdir()
    (folder / "tapped.py").write_text(TAPPED, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([os.environ["PYTHONPATH"], str(folder)]))

    def make(lie: str = "", *, taken: int = 0, batch: int = 8, value: str = "tapped") -> LiveInner:
        worker: Worker = make_worker(WEIGHT, 4, misbehave=lie, value=value)

        def opened() -> Worker:
            if worker.execution is None:
                worker.open(CARD)
            return worker

        return LiveInner(opened, Probes(ring, Source(PIXELS), range(30), [CARD, CARD], taken), 1, batch)

    return make


def _fed(rows: slice) -> np.ndarray:
    values: np.ndarray = (PIXELS[rows].reshape(-1, 16) / 255).astype(np.float32)
    return values


def test_what_comes_back_is_what_the_model_holds_and_nothing_else_is_overwritten(
    make_inner: Any, ring: SharedBuffer
) -> None:
    ring.resize(100)
    ring.array(0, 100, "u1")[:] = 7
    inner = make_inner(taken=100)
    assert [tap.name for tap in inner.taps()] == ["pixels", "scores"]
    assert inner.notes() == ("made by code",)
    assert inner.probes == 30
    found = inner.capture(["scores", "pixels"], 4, 21)
    np.testing.assert_allclose(found["pixels"], _fed(slice(4, 25)), atol=1e-6)
    np.testing.assert_allclose(found["scores"], _fed(slice(4, 25)) @ WEIGHT, atol=1e-4)
    assert (ring.array(0, 100, "u1") == 7).all()


def test_tensors_that_do_not_fit_at_once_come_in_parts(make_inner: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inner_tensors, "CAPTURE_BYTES", 70)
    found = make_inner().capture(["pixels", "scores"], 0, 9)
    np.testing.assert_allclose(found["pixels"], _fed(slice(0, 9)), atol=1e-6)
    np.testing.assert_allclose(found["scores"], _fed(slice(0, 9)) @ WEIGHT, atol=1e-4)


def test_probes_are_spread_over_the_images_of_the_run(make_inner: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inner_tensors, "PROBES", 4)
    inner = make_inner()
    assert inner.probes == 4
    np.testing.assert_allclose(inner.capture(["pixels"], 0, 4)["pixels"], _fed(slice(None))[[0, 10, 19, 29]], atol=1e-6)


@pytest.mark.parametrize(
    ("lie", "error", "told"),
    [
        ("nan", WorkerFailed, "its inner tensor 'pixels' holds NaN or infinity"),
        ("shape", WorkerFailed, "gave inner tensors of other shapes than it had named"),
        ("more", WorkerFailed, "inner tensors take"),
        ("twice", WorkerFailed, "names an inner tensor twice, or one without elements"),
        ("empty", WorkerFailed, "names an inner tensor twice, or one without elements"),
        ("huge", Inconclusive, "is too large to read"),
    ],
)
def test_a_child_that_lies_about_inner_tensors_is_not_believed(
    lie: str, error: type[Exception], told: str, make_inner: Any
) -> None:
    with pytest.raises(error, match=told):
        make_inner(lie).capture(["pixels"], 0, 8)


def test_a_model_that_shows_none_is_told_by_its_format(make_inner: Any) -> None:
    with pytest.raises(Inconclusive, match="backend 'acme', which opens acme files, shows no inner tensors"):
        make_inner(value="acme_vetgate.plugin").taps()


@pytest.mark.parametrize(("first", "count"), [(-1, 2), (0, 0), (29, 2)])
def test_images_that_are_not_at_hand_are_refused(first: int, count: int, make_inner: Any) -> None:
    with pytest.raises(ValueError, match="30 are at hand"):
        make_inner().capture(["pixels"], first, count)

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from vetgate_delta.finetune import Course
from vetgate_delta.state import Progress, recall, store
from vetgate_delta.subgraph import Images, Subgraph, build_subgraph, load, save

from vetgate.api import DataError, UnreadableArtifact

CPU = torch.device("cpu")
SHORT = Course(epochs=2, batch=16, learning_rate=0.05)


class Net(nn.Module):
    """A stem and three residual blocks, the last two at half size."""

    def __init__(self, channels: int = 3) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(channels, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU())
        self.first = nn.Sequential(nn.Conv2d(8, 8, 3, padding=1), nn.BatchNorm2d(8))
        self.second = nn.Sequential(nn.Conv2d(8, 16, 3, 2, padding=1), nn.BatchNorm2d(16), nn.ReLU())
        self.third = nn.Sequential(nn.Conv2d(16, 16, 3, padding=1), nn.BatchNorm2d(16))
        self.classifier = nn.Linear(16, 4)

    def forward(self, images: Tensor) -> Tensor:
        features = self.stem(images)
        features = torch.relu(features + self.first(features))
        features = self.second(features)
        features = torch.relu(features + self.third(features))
        scores: Tensor = self.classifier(features.mean(dim=(2, 3)))
        return scores


def reference(channels: int = 3) -> nn.Module:
    torch.manual_seed(0)
    return Net(channels).eval()


def normalise(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    return np.ascontiguousarray(pixels.transpose(0, 3, 1, 2), np.float32) / 127.5 - 1


def draw(count: int = 64, channels: int = 3) -> Images:
    generator = np.random.default_rng(0)
    pixels = generator.integers(0, 256, (count, 12, 12, channels), np.uint8)
    return Images(pixels, generator.integers(0, 4, count), normalise)


def build(
    *,
    parameters: int = 600,
    images: Images | None = None,
    make: Callable[[], nn.Module] = reference,
    resume: Path | None = None,
    tell: Callable[[str, int, int], None] = lambda *_: None,
    shallow: bool = False,
    course: Course = SHORT,
) -> Subgraph:
    return build_subgraph(
        make,
        images or draw(),
        parameters=parameters,
        seed=0,
        device=CPU,
        tell=tell,
        resume=resume,
        shallow=shallow,
        sparsity="uniform",
        course=course,
    )


@pytest.mark.parametrize("parameters", [300, 600, 1000])
def test_a_subgraph_has_at_most_the_parameters_asked_for(parameters: int) -> None:
    made = build(parameters=parameters)
    assert 0.6 * parameters < made.cost.parameters <= parameters
    assert made.dropped == ("third.1",)
    assert made.size == (6, 6)
    maps = made.module(torch.zeros(3, 3, 12, 12))
    assert maps.shape == (3, made.channels, 6, 6)
    assert all(0 <= sparsity < 1 for sparsity in made.sparsities.values())


def test_the_last_stage_is_dropped_for_explaining_and_all_channels_stay_where_they_fit() -> None:
    made = build(parameters=2_000, shallow=True)
    assert made.size == (12, 12)
    assert made.dropped == ("second.2", "third.1")
    assert set(made.sparsities.values()) == {0.0}
    assert "every channel of the blocks that are left fits into the budget" in made.notes


def test_a_budget_too_small_says_what_was_reached() -> None:
    made = build(parameters=3, shallow=True)
    assert any(f"has {made.cost.parameters:,}" in note for note in made.notes)


def test_without_labels_the_reference_answers_are_learned() -> None:
    with_labels = build(images=draw())
    without = build(images=replace(draw(), labels=None))
    with torch.no_grad():
        answers = reference()(torch.from_numpy(normalise(draw().pixels))).argmax(dim=1).numpy()
    taught = build(images=replace(draw(), labels=answers))
    assert weights_of(without) == weights_of(taught)
    assert weights_of(without) != weights_of(with_labels)


def test_grey_images_are_fine() -> None:
    made = build(images=draw(channels=1), make=lambda: reference(1))
    assert made.module(torch.zeros(1, 1, 12, 12)).shape[1] == made.channels


@pytest.mark.parametrize(
    ("images", "what"),
    [
        (draw(1), "too few training images to make a subgraph from: 1"),
        (replace(draw(8), labels=np.full(8, 4)), "is no class of the reference, such as 4"),
    ],
)
def test_images_that_cannot_teach_are_refused(images: Images, what: str) -> None:
    with pytest.raises(DataError, match=what):
        build(images=images)


def test_what_was_saved_is_loaded_the_same(tmp_path: Path) -> None:
    made = build()
    save(made, tmp_path / "subgraph.pt")
    again = load(tmp_path / "subgraph.pt", reference)
    assert weights_of(again) == weights_of(made)
    images = torch.randn(2, 3, 12, 12)
    with torch.no_grad():
        assert torch.equal(made.module(images), again.module(images))
    assert replace(again, module=made.module) == made


def test_a_damaged_file_or_another_reference_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "subgraph.pt"
    path.write_bytes(b"nothing of the kind")
    with pytest.raises(UnreadableArtifact, match="holds no subgraph"):
        load(path, reference)
    save(build(), path)
    with pytest.raises(UnreadableArtifact, match="holds no subgraph of this reference"):
        load(path, lambda: reference(1))


class Killed(Exception):
    pass


@pytest.mark.parametrize(("epoch", "step"), [(1, 2), (2, 6)])
def test_a_stopped_run_ends_on_the_same_weights_bit_for_bit(tmp_path: Path, epoch: int, step: int) -> None:
    whole = build()
    steps: list[int] = []

    def stop(what: str, done: int, _: int) -> None:
        if (what, done) == (f"fine-tune the subgraph, epoch {epoch} of 2", step):
            raise Killed

    resume = tmp_path / "state"
    with pytest.raises(Killed):
        build(resume=resume, tell=stop)
    made = build(resume=resume, tell=lambda what, done, _: steps.append(done) if "fine-tune" in what else None)
    assert weights_of(made) == weights_of(whole)
    assert min(steps) == 4 * (epoch - 1), "a whole epoch is not trained again"


def test_a_run_killed_without_warning_goes_on_where_it_was(tmp_path: Path) -> None:
    script = textwrap.dedent(f"""
        import os, signal, sys
        sys.path.insert(0, {str(Path(__file__).parent)!r})
        import importlib.util
        spec = importlib.util.spec_from_file_location("it", {__file__!r})
        it = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(it)
        def tell(what, done, total):
            if done == 6 and "epoch 2" in what:
                os.kill(os.getpid(), signal.SIGKILL)
        from pathlib import Path
        it.torch.set_num_threads({torch.get_num_threads()})
        it.build(resume=Path({str(tmp_path / "state")!r}), tell=tell)
    """)
    ended = subprocess.run([sys.executable, "-c", script], check=False)
    assert ended.returncode == -signal.SIGKILL
    assert [file.name for file in tmp_path.iterdir()] == ["state"], "nothing half-written is left"
    assert weights_of(build(resume=tmp_path / "state")) == weights_of(build())


def test_state_of_other_work_is_not_taken_up(tmp_path: Path) -> None:
    build(resume=tmp_path / "state")
    steps: list[int] = []
    other = replace(draw(), labels=np.arange(64) % 4)
    build(
        images=other,
        resume=tmp_path / "state",
        tell=lambda what, done, _: steps.append(done) if "fine-tune" in what else None,
    )
    assert min(steps) == 0


def test_state_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "state"
    store(path, {"a": 1})
    with pytest.raises(Exception, match="pickle"):
        store(path, {"a": lambda: None})
    kept = recall(path)
    assert kept is not None
    assert kept["a"] == 1
    assert list(tmp_path.iterdir()) == [path]
    path.write_bytes(path.read_bytes()[:-20])
    assert recall(path) is None
    assert Progress(path, "it")["fine-tuning"] is None


def weights_of(made: Subgraph) -> dict[str, bytes]:
    return {name: value.numpy().tobytes() for name, value in made.module.state_dict().items()}

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from vetgate_delta.fit import Course, Seen, Site, affordable, fit
from vetgate_delta.network import Delta, shape_within

from vetgate.api import Inconclusive

IMAGES, CHANNELS, GIVEN, FEATURES = 300, 6, 5, 10
SCRIPT = """
import sys
sys.path.insert(0, {folder!r})
import test_fit
test_fit.killed_half_way({file!r})
"""


def _site(resume: Path | None = None, seed: int = 3) -> Site:
    with torch.random.fork_rng([]):
        torch.manual_seed(7)
        subgraph = torch.nn.Sequential(
            torch.nn.Conv2d(3, CHANNELS, 3, padding=1, bias=False), torch.nn.BatchNorm2d(CHANNELS), torch.nn.ReLU()
        ).eval()
        head = torch.nn.Linear(FEATURES, 4)
    return Site(subgraph, head, torch.device("cpu"), seed, lambda what, done, total: None, resume)


def _seen() -> Seen:
    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, (IMAGES, 8, 8, 3), dtype=np.uint8)
    bright = pixels.mean(axis=(1, 2)) / 255
    reference = np.tanh(bright @ random.normal(size=(3, FEATURES)) * 8).astype(np.float32)
    given = random.random((IMAGES, GIVEN)).astype(np.float32)
    with torch.no_grad():
        means = _site().subgraph(torch.from_numpy(_normalise(pixels))).mean(dim=(2, 3)).numpy()
    return Seen(pixels, reference, given, means, _normalise)


def _normalise(pixels: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(pixels.transpose(0, 3, 1, 2)).astype(np.float32) / 255


def _course(**changes: object) -> Course:
    return replace(Course(epochs=4, batch=64), **changes)  # type: ignore[arg-type]


def _fit(site: Site, course: Course, rows: np.ndarray | None = None) -> Delta:
    shape = shape_within(CHANNELS, GIVEN, FEATURES, course.variant, 10**6)
    return fit(site, _seen(), np.arange(IMAGES) if rows is None else rows, course, shape).delta


def _same(first: Delta, second: Delta) -> bool:
    ours, theirs = first.state_dict(), second.state_dict()
    return ours.keys() == theirs.keys() and all(torch.equal(ours[name], theirs[name]) for name in ours)


def killed_half_way(file: str) -> None:
    """Train as the test does, and die by SIGKILL in the third epoch. Run in a process of its own."""
    import os
    import signal

    torch.set_num_threads(1)
    steps = IMAGES // 64

    def tell(what: str, done: int, total: int) -> None:
        if done == 2 * steps + 1:
            os.kill(os.getpid(), signal.SIGKILL)

    _fit(replace(_site(Path(file)), tell=tell), _course())


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.mark.parametrize("course", [_course(), _course(path="heads", epochs=9), _course(variant="paper")])
def test_the_same_seed_gives_the_same_weights_and_another_one_others(course: Course) -> None:
    first, again, other = (_fit(_site(seed=seed), course) for seed in (3, 3, 4))
    assert _same(first, again)
    assert not _same(first, other)


def test_a_killed_training_goes_on_to_the_same_weights_bit_for_bit(tmp_path: Path) -> None:
    file = tmp_path / "delta.pt"
    script = SCRIPT.format(folder=str(Path(__file__).parent), file=str(file))
    died = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert died.returncode == -9, died.stderr
    assert file.exists()
    told: list[int] = []
    site = replace(_site(file), tell=lambda what, done, total: told.append(done))
    shape = shape_within(CHANNELS, GIVEN, FEATURES, "residual", 10**6)
    resumed = fit(site, _seen(), np.arange(IMAGES), _course(), shape)
    assert min(told) == 2 * (IMAGES // 64)
    assert resumed.saved > 0
    assert _same(resumed.delta, _fit(_site(), _course()))


def test_a_training_that_was_done_before_costs_no_step(tmp_path: Path) -> None:
    site = _site(tmp_path / "delta.pt")
    first = _fit(site, _course())
    told: list[int] = []
    again = _fit(replace(site, tell=lambda what, done, total: told.append(done)), _course())
    assert told == [4 * (IMAGES // 64)]
    assert _same(first, again)


def test_a_damaged_file_is_trained_again(tmp_path: Path) -> None:
    file = tmp_path / "delta.pt"
    file.write_bytes(b"PK\x03\x04 cut short")
    assert _same(_fit(_site(file), _course()), _fit(_site(), _course()))


def test_heads_alone_leave_the_subgraph_as_it_was() -> None:
    site = _site()
    delta = _fit(site, _course(path="heads", epochs=5))
    before = site.subgraph.state_dict()
    assert all(torch.equal(value.cpu(), before[name]) for name, value in delta.subgraph.state_dict().items())
    full = _fit(site, _course()).subgraph.state_dict()
    assert not torch.equal(full["0.weight"].contiguous(), before["0.weight"])


def test_training_brings_the_fused_features_nearer_to_the_references() -> None:
    seen, rows = _seen(), np.arange(IMAGES)

    def error(delta: Delta) -> float:
        images, given = seen.images(rows, torch.device("cpu")), torch.from_numpy(seen.given)
        with torch.no_grad():
            fused = delta.fused(delta.maps(images).mean(dim=(2, 3)), given)
        return float((fused - torch.from_numpy(seen.reference)).square().mean())

    start = float(np.var(seen.reference))  # what e, pure noise, leaves
    assert error(_fit(_site(), _course(epochs=20))) < 0.5 * start


def test_what_was_not_trained_on_is_not_learned_by_heart() -> None:
    """F_B of each image is noise here: whoever gives it back has seen it."""
    random = np.random.default_rng(5)
    count, wide = 200, 64
    seen = replace(
        _seen(),
        reference=random.normal(size=(IMAGES, FEATURES)).astype(np.float32),
        given=random.normal(size=(IMAGES, wide)).astype(np.float32),
    )
    shape = shape_within(CHANNELS, wide, FEATURES, "paper", 10**6)
    course = Course("paper", "heads", 150, rate=1e-2, batch=64)
    delta = fit(_site(), seen, np.arange(count), course, shape).delta
    with torch.no_grad():
        pooled = delta.attention.pooled(torch.from_numpy(seen.means))
        fused = delta.fused(pooled, torch.from_numpy(seen.given)).numpy()
    error = np.square(fused - seen.reference).mean(axis=1)
    assert error[:count].mean() < 0.7  # by heart
    assert error[count:].mean() > 0.95  # nothing


def test_a_short_time_buys_fewer_epochs_and_a_very_short_one_the_heads_alone() -> None:
    shape = shape_within(CHANNELS, GIVEN, FEATURES, "residual", 10**6)
    site, seen, course = _site(), _seen(), _course(epochs=5, batch=64)
    assert affordable(site, seen, [IMAGES], course, shape, 1e4) == course
    least = affordable(site, seen, [IMAGES, IMAGES], course, shape, 1e-9)
    assert (least.path, least.epochs) == ("heads", 1)


def test_two_images_are_needed() -> None:
    with pytest.raises(Inconclusive, match="too few images to train DELTA on: 1"):
        _fit(_site(), _course(), np.arange(1))


def test_a_single_batch_of_few_images_trains() -> None:
    assert bool(torch.isfinite(_fit(_site(), _course(), np.arange(5)).narrow.weight).all())

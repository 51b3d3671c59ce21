from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon

from vetgate.domain.errors import YardstickError
from vetgate.domain.yardstick import Distance, Peer
from vetgate.statistics import row_distances
from vetgate.yardstick import Content, Gauge, doubts, gauge, require_independent, require_signal, require_sound

Make = Callable[..., Content]
MakePeer = Callable[..., Peer]


def rows(count: int, classes: int = 4, *, seed: int = 0) -> np.ndarray:
    found: np.ndarray = np.random.default_rng(seed).dirichlet(np.ones(classes), count)
    return found


def near(base: np.ndarray, share: float, seed: int) -> np.ndarray:
    """Return rows that are `share` of others."""
    mixed: np.ndarray = (1 - share) * base + share * rows(len(base), base.shape[1], seed=seed)
    return mixed


def test_distances_are_what_others_compute() -> None:
    p, q = rows(50), rows(50, seed=1)
    step = p - q
    expected = {
        Distance.JS_DIVERGENCE: [jensenshannon(one, other, base=2) ** 2 for one, other in zip(p, q, strict=True)],
        Distance.TOTAL_VARIATION: 0.5 * np.abs(step).sum(axis=1),
        Distance.L2: np.linalg.norm(step, axis=1),
        Distance.DISAGREEMENT: p.argmax(axis=1) != q.argmax(axis=1),
    }
    for distance, values in expected.items():
        assert row_distances(distance, p, q) == pytest.approx(np.asarray(values, dtype=float))


def test_sure_answers_of_different_classes_are_a_bit_apart_however_sure() -> None:
    """A probability of 1e-20 is lost beside 1, and its logarithm must not be infinite."""
    least = 10.0 ** -np.arange(1, 300, 7)
    sure = np.stack([1.0 - least, least], axis=1)
    found = row_distances(Distance.JS_DIVERGENCE, sure, sure[:, ::-1])
    assert (np.diff(found) >= 0).all()
    assert found[-1] == 1.0


@pytest.mark.parametrize("distance", Distance)
def test_a_distance_is_nothing_of_equal_rows_symmetric_and_bounded(distance: Distance) -> None:
    p, q = np.vstack([rows(50), np.eye(4)]), np.vstack([rows(50, seed=1), np.roll(np.eye(4), 1, axis=0)])
    found = row_distances(distance, p, q)
    assert not row_distances(distance, p, p).any()
    assert found == pytest.approx(row_distances(distance, q, p))
    assert found.max() <= (np.sqrt(2) if distance is Distance.L2 else 1.0) + 1e-12
    assert found[-1] == pytest.approx(found.max())


def test_the_median_and_the_bracket_are_of_the_independents_alone(content: Make, peer: MakePeer) -> None:
    base = rows(200)
    matrices = [base, near(base, 0.9, 1), near(base, 0.2, 2), near(base, 0.3, 3), near(base, 0.4, 4)]
    peers = (peer("u1-early", run="u1", final=False), peer("u1", step=2), peer("u2"), peer("u3"))
    some = content(matrices, peers=peers, distance=Distance.TOTAL_VARIATION)
    measured = gauge(some)
    exact = [float(0.5 * np.abs(matrix - base).sum(axis=1).mean()) for matrix in matrices[2:]]
    assert measured.distances == pytest.approx(exact, abs=1e-6)
    assert measured.median == pytest.approx(exact[1], abs=1e-6)
    assert measured.bracket == pytest.approx((exact[0] / exact[1], exact[2] / exact[1]), abs=1e-5)
    assert measured.low < measured.median < measured.high
    assert gauge(some) == measured


def test_a_yardstick_below_its_own_noise_is_refused(content: Make) -> None:
    """Only one image of forty tells the models apart, and by luck it is there."""
    base = rows(40)
    matrices = [base, base.copy(), base.copy()]
    for place, matrix in enumerate(matrices[1:]):
        matrix[3] = np.roll(matrix[3], place + 1)
    some = content(matrices, peers=(_peer("u1"), _peer("u2")))
    require_sound(some)
    with pytest.raises(YardstickError, match="not above its own noise: on 40 images"):
        require_signal(gauge(some), len(some))


def test_models_that_answer_alike_are_one_model(content: Make) -> None:
    base, other = rows(40), rows(40, seed=1)
    with pytest.raises(YardstickError, match="u2 answers every image exactly as u1 does"):
        require_sound(content([base, other, other], peers=(_peer("u1"), _peer("u2"))))
    with pytest.raises(YardstickError, match="u1 answers every image exactly as the reference"):
        require_sound(content([base, base, other], peers=(_peer("u1"), _peer("u2"))))


def test_one_file_twice_is_refused_also_as_a_checkpoint_and_as_the_reference(content: Make, peer: MakePeer) -> None:
    matrices = [rows(40, seed=seed) for seed in range(4)]
    twin = peer("u2").model_copy(update={"sha256": peer("u1").sha256})
    copy = peer("u2").model_copy(update={"sha256": "a" * 64})
    early = peer("u1-early", run="u1", final=False).model_copy(update={"sha256": peer("u2").sha256})
    for second, why in ((twin, "u2 is the same file as u1"), (copy, "u2 is the same file as the reference")):
        with pytest.raises(YardstickError, match=why):
            require_sound(content(matrices[:3], peers=(peer("u1"), second)))
    with pytest.raises(YardstickError, match="u2 is the same file as u1-early"):
        require_sound(content(matrices, peers=(early, peer("u1", step=2), peer("u2"))))


def test_too_few_images_make_no_yardstick(content: Make) -> None:
    with pytest.raises(YardstickError, match="29 images, and takes 30 at least"):
        require_sound(content(images=29))


def test_a_run_without_one_last_model_is_refused(content: Make, peer: MakePeer) -> None:
    for peers in (
        (peer("late", run="u1", step=3, final=False), peer("u1", step=2), peer("u2")),
        (peer("other", run="u1", step=2, final=False), peer("u1", step=2), peer("u2")),
        (peer("orphan", run="u3", final=False), peer("u1"), peer("u2")),
    ):
        with pytest.raises(YardstickError, match="has no order with one last model"):
            require_sound(content(peers=peers))


@pytest.mark.parametrize(
    ("first", "refused"), [(0.0001, True), (0.24, True), (0.26, False), (1.0, False), (9.0, False)]
)
def test_a_model_below_a_quarter_of_the_others_median_distance_is_no_independent(first: float, refused: bool) -> None:
    distances = (first, 0.9, 1.0, 1.1)
    measured = Gauge(Distance.JS_DIVERGENCE, tuple(map(_peer, "abcd")), distances, 1.0, 0.9, 1.1)
    if not refused:
        require_independent(measured)
        return
    with pytest.raises(YardstickError, match=f"a is at {first:.2g} of the median distance of the others"):
        require_independent(measured)


def test_of_two_independents_the_nearer_one_is_refused(content: Make) -> None:
    base = rows(200)
    some = content([base, near(base, 0.02, 1), near(base, 0.5, 2)], peers=(_peer("copy"), _peer("other")))
    with pytest.raises(YardstickError, match="copy is at 0"):
        require_independent(gauge(some))


def test_independents_that_are_hardly_independent_are_doubted(content: Make) -> None:
    base = rows(200)
    close, usual, other = near(base, 0.05, 1), near(base, 0.5, 2), near(base, 0.5, 3)
    some = content([base, close, usual, other], peers=(_peer("close"), _peer("usual"), _peer("other")))
    (told,) = doubts(some, gauge(some))
    assert told.startswith("close is at 0.0")
    assert "made from it?" in told
    twins = content([base, usual, near(usual, 0.05, 4), other], peers=(_peer("one"), _peer("two"), _peer("other")))
    (told,) = doubts(twins, gauge(twins))
    assert told.startswith("one and two are at")


def test_a_model_that_was_not_trained_to_the_end_is_doubted(content: Make) -> None:
    base = rows(200)
    matrices = [base, near(base, 0.2, 1), near(base, 0.2, 2), near(base, 1.0, 3)]
    some = content(matrices, peers=(_peer("u1"), _peer("u2"), _peer("raw")))
    (told,) = doubts(some, gauge(some))
    assert told.startswith("raw is at")
    assert "trained to the end" in told


def _peer(name: str) -> Peer:
    return Peer(name=name, sha256=f"{name:0>64}", card_sha256="c" * 64, run=name, step=1, final=True)

"""Checks of the images themselves: the sets that a run knows of, sketched and measured once for all candidates."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from vetgate.domain.check import ImagesContext, Need
from vetgate.gate.data import Images, open_images
from vetgate.gate.sketches import Sketches
from vetgate.measure import run_check

if TYPE_CHECKING:
    from vetgate.domain.evidence import Evidence
    from vetgate.domain.request import RunRequest
    from vetgate.gate.answers import Sitting
    from vetgate.gate.house import House
    from vetgate.gate.run import Run


class Sets:
    """The images of a run and those that models were made on; all opened at once, and read when a check needs them.

    Args:
        request: What the user asks.
        sitting: The images that are vetted on; it shows them to the sketches as it decodes them.
        house: What the run shares.
        training: Where another step has opened the training data already.

    Raises:
        UsageError: A set does not exist.
        DataError: A set cannot be read, or holds no images.
    """

    def __init__(self, request: RunRequest, sitting: Sitting, house: House, training: Images | None) -> None:
        cache = house.cache
        self._tolerated = request.limits.unreadable
        if training is None and request.train_data is not None:
            training = open_images(request.train_data, house.host, None, 0)
        calibration = None
        if request.calibration_data is not None:
            calibration = open_images(request.calibration_data, house.host, None, 0)
        self._sitting = sitting
        self._vetted = sitting.sketches = Sketches(sitting.images, cache)
        self._calibration = Sketches(calibration, cache) if calibration is not None else None
        self._training = Sketches(training, cache) if training is not None else None
        self._found: tuple[Evidence, ...] | None = None

    def evidence(self, run: Run) -> Iterator[Evidence]:
        """Yield what the checks found; nothing of it depends on the candidate, so that it is measured once."""
        if self._found is None:
            context = self._context(run)
            found = []
            for check in run.plan.by_need(Need.IMAGES):
                run.tell("check", check.spec.name)
                found.append(run_check(check, context))
            self._found = tuple(found)
        yield from self._found

    def _context(self, run: Run) -> ImagesContext:
        unread = self._sitting.unreadable
        return ImagesContext(
            vetted=self._vetted.complete(run.tell, unread),
            calibration=self._calibration.complete(run.tell, {}) if self._calibration is not None else None,
            training=self._training.complete(run.tell, {}) if self._training is not None else None,
            tolerated=self._tolerated,
        )

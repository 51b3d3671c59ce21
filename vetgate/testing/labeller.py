"""What every labeller must hold, as a test class to inherit. Subclasses give the abstract methods."""

from __future__ import annotations

import io
from abc import ABC, abstractmethod

import pytest
from PIL import Image

from vetgate.domain.errors import UsageError
from vetgate.domain.specs import LabellerSpec


class LabellerContract(ABC):
    """What a labeller must hold, on one that can be asked in a test: a server on this machine, or none at all."""

    @abstractmethod
    def spec(self) -> LabellerSpec:
        """Return the spec under test."""

    @abstractmethod
    def settings(self) -> dict[str, str]:
        """Return settings with which it can be asked."""

    @abstractmethod
    def asked(self) -> int:
        """Return how often somebody outside this process was asked so far."""

    def _pictures(self, count: int) -> list[bytes]:
        pictures = []
        for shade in range(count):
            stream = io.BytesIO()
            Image.new("RGB", (16, 16), (shade, 0, 255)).save(stream, "PNG")
            pictures.append(stream.getvalue())
        return pictures

    def test_making_one_asks_nobody_and_says_who_would_be(self) -> None:
        labeller = self.spec().factory(self.settings())
        assert labeller.about.strip()
        assert labeller.about.isprintable()
        assert self.asked() == 0

    def test_no_pictures_ask_nobody(self) -> None:
        assert self.spec().factory(self.settings()).name([], []) == ()
        assert self.asked() == 0

    @pytest.mark.parametrize("count", [1, 3, 20])
    def test_each_picture_gets_one_name_in_a_line(self, count: int) -> None:
        names = self.spec().factory(self.settings()).name(self._pictures(count), ["cat"] * count)
        assert len(names) == count
        assert all(isinstance(name, str) and (not name or name.isprintable()) for name in names)

    def test_a_setting_that_it_does_not_know_is_refused_by_name(self) -> None:
        with pytest.raises(UsageError, match="no-such-setting"):
            self.spec().factory({**self.settings(), "no-such-setting": "1"})
        assert self.asked() == 0

    def test_every_setting_has_a_line_of_help(self) -> None:
        assert set(self.settings()) <= set(self.spec().settings)
        assert all(line.strip() and "\n" not in line for line in self.spec().settings.values())

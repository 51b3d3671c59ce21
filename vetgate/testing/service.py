"""What a source of services and the backend that asks them must hold, as a test class to inherit."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from vetgate.artifacts import Vault
from vetgate.domain.artifact import Artifact
from vetgate.domain.card import Card
from vetgate.domain.errors import Inconclusive, UsageError
from vetgate.domain.model import Model, OpenOptions
from vetgate.domain.source import Door, FetchContext, Served, scheme_of
from vetgate.domain.specs import ArtifactSourceSpec, BackendSpec
from vetgate.line import Doorman

if TYPE_CHECKING:
    from numpy.typing import NDArray

_ODD = (
    "",
    "/",
    "//",
    "//:0/x",
    "//host:99999/x",
    "//host",
    "//user:pass@host/x",
    "//host/../x",
    "//host/x\x00",
    "//host/x/y/z/w",
)


@dataclass(frozen=True)
class ServedExample:
    """A model on a server that is up."""

    name: str
    """As a user types it."""
    missing: str
    """A well-formed name of a model that the same server does not have."""
    card: Card
    images: NDArray[np.float32]
    """(N, ...) as the card's layout says, normalised; N at least 3."""
    expected: NDArray[np.float32]
    """(N, C) raw outputs."""
    tolerance: float = 1e-5


@contextmanager
def asked(spec: BackendSpec, served: Served, card: Card, *, batch: int, seconds: float = 30.0) -> Iterator[Model]:
    """Yield the model of a service, opened by its backend in this process by way of a line, as in a child."""
    with Vault() as vault, _line(served.door, seconds) as line:
        artifact = vault.note("served", served.service, served.backend, served.format)
        with spec.factory().open(artifact, card, OpenOptions(batch_size=batch, line=line)) as model:
            yield model


@contextmanager
def _line(door: Door, seconds: float) -> Iterator[int]:
    doorman = Doorman(door, seconds)
    try:
        yield doorman.theirs.fileno()
    finally:
        doorman.close()


def found(spec: ArtifactSourceSpec, name: str, folder: Path, *, seconds: float = 30.0) -> Served:
    """Return who answers for a name."""
    folder.mkdir(exist_ok=True)
    context = FetchContext(folder, seconds, 1 << 30, 1000, lambda file: None, lambda done, total: None)
    served = spec.factory().fetch(name, context)
    assert isinstance(served, Served)
    return served


class ServiceContract(ABC):
    """What a plugin must hold whose source hands over services."""

    @abstractmethod
    def source(self) -> ArtifactSourceSpec:
        """Return the source under test."""

    @abstractmethod
    def backend(self) -> BackendSpec:
        """Return the backend under test."""

    @abstractmethod
    def example(self) -> ServedExample:
        """Return a model on a server that is up."""

    def test_names_have_its_schemes(self) -> None:
        example = self.example()
        assert {scheme_of(example.name), scheme_of(example.missing)} <= set(self.source().schemes)

    def test_a_name_leads_to_who_answers_and_leaves_no_file(self, tmp_path: Path) -> None:
        served = found(self.source(), self.example().name, tmp_path / "run")
        assert served.service.model
        assert served.backend == self.backend().name
        assert not list((tmp_path / "run").iterdir())

    def test_what_pins_it_can_stand_in_a_report(self, tmp_path: Path) -> None:
        served = found(self.source(), self.example().name, tmp_path / "run")
        told = [*served.facts.values(), *map(str, served.service.model_dump().values())]
        assert all(text.isprintable() for text in told)
        assert not any(re.search(r"//[^/]*@", text) for text in told), "a login in an address"
        assert served.door.secret.decode() not in repr(served.door) or not served.door.secret

    def test_a_model_that_is_not_there_is_a_mistake_of_who_named_it(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError):
            found(self.source(), self.example().missing, tmp_path / "run")

    @pytest.mark.parametrize("rest", _ODD)
    def test_a_malformed_name_is_refused_and_no_password_told(self, tmp_path: Path, rest: str) -> None:
        with pytest.raises((UsageError, Inconclusive)) as caught:
            found(self.source(), f"{self.source().schemes[0]}:{rest or '/'}", tmp_path / "run", seconds=5)
        assert "user:pass" not in caught.value.message

    def test_it_answers_as_the_model_does(self, tmp_path: Path) -> None:
        example = self.example()
        answers = self._predict(example, example.images, tmp_path)
        assert answers.dtype == np.float32
        np.testing.assert_allclose(answers, example.expected, atol=example.tolerance, rtol=example.tolerance)

    def test_an_image_is_answered_alike_alone_and_in_a_batch(self, tmp_path: Path) -> None:
        example = self.example()
        alone = self._predict(example, example.images[1:2], tmp_path)
        np.testing.assert_allclose(alone, example.expected[1:2], atol=example.tolerance, rtol=example.tolerance)

    def test_what_it_describes_can_be_sent_between_processes(self, tmp_path: Path) -> None:
        example = self.example()
        served = found(self.source(), example.name, tmp_path / "run")
        with Vault() as vault, _line(served.door, 30.0) as line:
            artifact: Artifact = vault.note("served", served.service, served.backend, served.format)
            structure = self.backend().factory().describe(artifact, example.card, OpenOptions(line=line))
        assert type(structure).model_validate_json(structure.model_dump_json()) == structure
        assert not structure.tensors, "a service hands out no weights"

    def _predict(self, example: ServedExample, images: NDArray[np.float32], folder: Path) -> NDArray[np.float32]:
        served = found(self.source(), example.name, folder / "run")
        with asked(self.backend(), served, example.card, batch=len(example.images)) as model:
            return model.predict(images)

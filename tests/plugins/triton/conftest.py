"""Real servers, started once: Triton with good and bad models, and another one of the same protocol."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from vetgate_triton.launch import VARIABLE, Installed, find_server, serving
from vetgate_triton.settings import VARIABLES

from tests.plugins.triton.tiny import BAD, write_linear, write_models

HOME = "VETGATE_SERVERS"


@dataclass(frozen=True)
class Up:
    """A server that is up, with the models of `tiny`."""

    http: int
    grpc: int
    file: Path
    """What its model `linear` runs."""

    def name(self, model: str = "linear", *, scheme: str = "triton") -> str:
        """Return a model's name."""
        port = self.grpc if "grpc" in scheme else self.http
        return f"{scheme}://127.0.0.1:{port}/{model}"


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the user's servers and what lets in there out of tests."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def environments() -> Path:
    """Return where .ci/servers puts environments with servers."""
    return Path(os.environ.get(HOME) or Path.home() / ".cache" / "vetgate-servers")


@pytest.fixture(scope="session")
def installed(need: Callable[..., str], environments: Path) -> Installed:
    """Return Triton Inference Server."""
    named = os.environ.get(VARIABLE) or str(environments / "triton")
    need("tritonserver", there=Path(named).exists(), hint="bash .ci/servers triton")
    return find_server(named)


@pytest.fixture(scope="session")
def up(installed: Installed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """Start Triton; yield where it is."""
    folder = tmp_path_factory.mktemp("triton")
    file = write_linear(folder / "linear.onnx")
    repository = write_models(folder / "repository", file)
    with serving(installed, repository, folder, name="triton") as running:
        yield Up(running.http, running.grpc, file)


assert BAD

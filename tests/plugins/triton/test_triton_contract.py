"""What a plugin of services must hold, over both protocols and in shared memory, on a real server."""

from __future__ import annotations

import pytest
from vetgate_triton.plugin import vetgate_artifact_sources, vetgate_backends

from tests.plugins.triton.conftest import Up
from tests.plugins.triton.tiny import expected, images, make_card
from vetgate.api import ArtifactSourceSpec, BackendSpec
from vetgate.testing import ServedExample, ServiceContract


class _Triton(ServiceContract):
    scheme = "triton"
    model = "linear"

    @pytest.fixture(autouse=True)
    def _on(self, up: Up) -> None:
        self.up = up

    def source(self) -> ArtifactSourceSpec:
        return next(iter(vetgate_artifact_sources()))

    def backend(self) -> BackendSpec:
        return next(iter(vetgate_backends()))

    def example(self) -> ServedExample:
        given = images()
        name, missing = (self.up.name(model, scheme=self.scheme) for model in (self.model, "nobody"))
        return ServedExample(name, missing, make_card(), given, expected(given), tolerance=1e-4)


class TestOverHttp(_Triton):
    """Over HTTP."""


class TestOverGrpc(_Triton):
    scheme = "triton+grpc"


class TestAFixedBatch(_Triton):
    model = "fixed"


class TestSharedMemory(_Triton):
    @pytest.fixture(autouse=True)
    def _shared(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("VETGATE_TRITON_SHARED_MEMORY", "1")


class TestSharedMemoryOverGrpc(TestSharedMemory):
    scheme = "triton+grpc"


del _Triton

"""Another server of the same protocol: MLServer, which knows no batches, no configuration and no statistics."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from vetgate_triton.plugin import vetgate_artifact_sources, vetgate_backends

from tests.plugins.triton.tiny import expected, images, make_card, weight
from vetgate.api import ArtifactSourceSpec, BackendSpec
from vetgate.testing import ServedExample, ServiceContract
from vetgate.testing.service import found

_CODE = """\
import numpy
from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceResponse


class Linear(MLModel):
    async def load(self):
        self.weight = numpy.load(self.settings.parameters.uri)
        return True

    async def predict(self, payload):
        images = self.decode(payload.inputs[0], default_codec=NumpyCodec)
        logits = images.reshape(len(images), -1) @ self.weight
        return InferenceResponse(model_name=self.name, outputs=[NumpyCodec.encode_output("logits", logits)])
"""


@dataclass(frozen=True)
class Other:
    """Ports of the server."""

    http: int
    grpc: int


@pytest.fixture(scope="module")
def other(need: Callable[..., str], environments: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Other]:
    """Start MLServer; yield where it is."""
    place = environments / "mlserver"
    need("mlserver", there=(place / "made").exists(), hint="bash .ci/servers mlserver")
    folder = tmp_path_factory.mktemp("mlserver")
    with socket.create_server(("127.0.0.1", 0)) as first, socket.create_server(("127.0.0.1", 0)) as second:
        ports = Other(first.getsockname()[1], second.getsockname()[1])
    _write(folder, ports)
    with (folder / "log").open("wb") as log:
        variables = {"PATH": f"{place / 'bin'}:{os.environ['PATH']}", "HOME": str(folder), "PYTHONPATH": str(folder)}
        process = subprocess.Popen(
            [str(place / "bin" / "mlserver"), "start", str(folder)],
            cwd=folder,
            env=variables,
            stdout=log,
            stderr=log,
        )
        try:
            _await(ports.http, process, folder / "log")
            yield ports
        finally:
            process.terminate()
            process.wait(20)


def _write(folder: Path, ports: Other) -> None:
    import numpy as np

    np.save(folder / "weight.npy", weight())
    (folder / "linear_model.py").write_text(_CODE, encoding="utf-8")
    server = {"host": "127.0.0.1", "http_port": ports.http, "grpc_port": ports.grpc, "parallel_workers": 0}
    (folder / "settings.json").write_text(json.dumps({**server, "metrics_endpoint": None, "metrics_port": 0}))
    model = {
        "name": "linear",
        "implementation": "linear_model.Linear",
        "platform": "numpy",
        "inputs": [{"name": "image", "datatype": "FP32", "shape": [-1, 3, 8, 8]}],
        "outputs": [{"name": "logits", "datatype": "FP32", "shape": [-1, 4]}],
        "parameters": {"uri": str(folder / "weight.npy")},
    }
    (folder / "model-settings.json").write_text(json.dumps(model), encoding="utf-8")


def _await(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end and process.poll() is None:
        try:
            address = f"http://127.0.0.1:{port}/v2/models/linear/ready"
            with urllib.request.urlopen(address, timeout=5):
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"MLServer did not start: {log.read_text(errors='replace')[-2000:]}")


class _Other(ServiceContract):
    scheme = "triton"

    @pytest.fixture(autouse=True)
    def _on(self, other: Other) -> None:
        self.other = other

    def source(self) -> ArtifactSourceSpec:
        return next(iter(vetgate_artifact_sources()))

    def backend(self) -> BackendSpec:
        return next(iter(vetgate_backends()))

    def example(self) -> ServedExample:
        given = images()
        port = self.other.grpc if "grpc" in self.scheme else self.other.http
        name, missing = (f"{self.scheme}://127.0.0.1:{port}/{model}" for model in ("linear", "nobody"))
        return ServedExample(name, missing, make_card(), given, expected(given), tolerance=1e-4)

    def test_what_it_does_not_tell_is_not_made_up(self, tmp_path: Path) -> None:
        service = found(self.source(), self.example().name, tmp_path / "run").service
        assert service.server == "mlserver"
        assert service.version == ""
        assert service.config_sha256 is None


class TestOtherOverHttp(_Other):
    """Over HTTP."""


class TestOtherOverGrpc(_Other):
    scheme = "triton+grpc"


del _Other

"""MLflow stores of one's own: a database file for each test, and one server for all of them."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest


@dataclass
class Store:
    """A store, and how tests put models into it."""

    uri: str
    artifacts: str | None = None
    """Address under which runs keep files; None where the server chooses."""

    def client(self) -> Any:
        """Return MLflow's own client."""
        from mlflow import MlflowClient

        return MlflowClient(self.uri)

    def log(self, folder: Path, where: str = "model") -> tuple[str, str]:
        """Log a folder into a new run; return the run's id and the folder's address."""
        client = self.client()
        name = f"training-{time.monotonic_ns()}"
        run = client.create_run(client.create_experiment(name, artifact_location=self.artifacts))
        client.log_artifacts(run.info.run_id, str(folder), where)
        return run.info.run_id, f"{run.info.artifact_uri}/{where}"

    def register(self, name: str, folder: Path) -> str:
        """Register a folder as the next version of a model; return the version."""
        client, (run_id, source) = self.client(), self.log(folder)
        if not [each for each in client.search_registered_models() if each.name == name]:
            client.create_registered_model(name)
        return str(client.create_model_version(name, source, run_id).version)

    def tags(self, name: str, version: str) -> dict[str, str]:
        """Return the tags of a version."""
        return dict(self.client().get_model_version(name, version).tags)

    def aliases(self, name: str) -> dict[str, str]:
        """Return the aliases of a model, version by alias."""
        return {alias: str(number) for alias, number in self.client().get_registered_model(name).aliases.items()}


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the user's server, and MLflow's own counters, out of tests."""
    for name in ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("MLFLOW_REGISTRY_URI", raising=False)
    monkeypatch.delenv("MLFLOW_EXPERIMENT_NAME", raising=False)
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the tables of a store once; that takes seconds."""
    from mlflow import MlflowClient

    place = tmp_path_factory.mktemp("empty") / "mlflow.db"
    MlflowClient(f"sqlite:///{place}").search_experiments()
    return place


@pytest.fixture
def store(empty_store: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Store:
    """Return a store in a database file, without any server."""
    folder = tmp_path_factory.mktemp("store")
    shutil.copyfile(empty_store, folder / "mlflow.db")
    found = Store(f"sqlite:///{folder / 'mlflow.db'}", f"file://{folder / 'artifacts'}")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", found.uri)
    monkeypatch.chdir(folder)  # MLflow keeps the files of an experiment that nobody placed under ./mlruns
    return found


@pytest.fixture(scope="session")
def running(empty_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start MLflow's own server on a database file; yield its address.

    It needs Flask, graphene and gunicorn beside mlflow-skinny, which holds its code. The other two ways to start it
    need more of mlflow, whose pyarrow is older than ours.
    """
    folder = tmp_path_factory.mktemp("server")
    shutil.copyfile(empty_store, folder / "mlflow.db")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = (folder / "log").open("wb")
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", f"sqlite:///{folder / 'mlflow.db'}"]
    command += ["--artifacts-destination", str(folder / "artifacts"), "--gunicorn-opts", "--threads 4"]
    variables = {"PATH": str(Path(sys.executable).parent), "HOME": str(folder), "MLFLOW_DISABLE_TELEMETRY": "true"}
    process = subprocess.Popen(
        command, env={**variables, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}, stdout=log, stderr=log
    )
    try:
        _await(f"http://127.0.0.1:{port}", process, folder / "log")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(20)
        log.close()


def _await(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + 120
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{address}/health", timeout=5):  # noqa: S310  # its own address
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"MLflow's server did not start: {log.read_text(errors='replace')[-2000:]}")


@pytest.fixture
def server(running: str, monkeypatch: pytest.MonkeyPatch) -> Store:
    """Return the store of a running server."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", running)
    return Store(running)


CARD = """\
version: 1
input: {size: [4, 4], resize: none, colour: grey, scale: 1/255, mean: [0.5], std: [0.25], layout: NCHW}
output: {kind: logits}
"""
POLICY = """\
version: 1
name: toy
metrics:
  - {metric: accuracy.top1, of: delta, at_least: -1pp}
"""


@dataclass
class Gate:
    """Toy models, data and a policy in a folder, and the gate's own command line."""

    folder: Path
    capsys: pytest.CaptureFixture[str]
    out: str = ""
    err: str = ""

    def model(self, name: str, noise: float = 0.0, **more: Any) -> Path:
        """Write a folder that holds a toy model and its card; return it."""
        import numpy as np
        from acme_vetgate.backend import write_toy

        folder = self.folder / "logged" / name
        folder.mkdir(parents=True)
        rng = np.random.default_rng(5)
        weight = rng.normal(size=(16, 3))
        write_toy(folder / "model.toy", weight + noise * rng.normal(size=(16, 3)), **more)
        (folder / "model.toy.yaml").write_text(CARD, encoding="utf-8")
        return folder

    def check(self, *arguments: str, policy: str = POLICY) -> int:
        """Run `vetgate check` with a JSON report; return the exit code."""
        from vetgate.cli.app import run

        Path("policy.yaml").write_text(policy, encoding="utf-8")
        asked = ("--data", "data.npz", "--policy", "policy.yaml", "--report", "json=report.json")
        code = run(["check", *arguments, *asked])
        self.out, self.err = self.capsys.readouterr()
        return code

    def report(self) -> dict[str, Any]:
        """Return the report of the last run's first candidate."""
        saved: dict[str, Any] = json.loads(Path("report.json").read_text(encoding="utf-8"))["reports"][0]
        return saved

    def told(self) -> str:
        """Return all that the last run left for people."""
        return "\n".join([self.out, self.err, Path("report.json").read_text(encoding="utf-8")])


@pytest.fixture
def gate(tmp_path: Path, acme: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Gate:
    """Return a gate whose working directory holds the data."""
    import numpy as np

    monkeypatch.chdir(tmp_path)
    weight = np.random.default_rng(5).normal(size=(16, 3))
    pixels = np.random.default_rng(2).integers(0, 256, size=(60, 4, 4), dtype=np.uint8)
    labels = ((pixels.reshape(60, -1) / 255 - 0.5) / 0.25 @ weight).argmax(axis=1)
    np.savez("data.npz", images=pixels, labels=labels)
    return Gate(tmp_path, capsys)

"""Models and verdicts in a store that is a database file, without any server."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import pytest
from vetgate_mlflow import plugin

from vetgate.domain.source import ModelOrigin
from vetgate.domain.specs import ArtifactSourceSpec, PublisherSpec
from vetgate.testing import ArtifactSourceContract, Payload, PublisherContract


def mlmodel(**flavours: Any) -> str:
    """Return an MLmodel, which is YAML and therefore may be JSON, and names code that must not be imported."""
    return json.dumps({"flavors": {"python_function": {"loader_module": "no_such_module", "code": "code"}, **flavours}})


class TestMlflowSource(ArtifactSourceContract):
    @pytest.fixture(autouse=True)
    def _registered(self, store: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
        folder = tmp_path_factory.mktemp("model")
        (folder / "model.bin").write_bytes(self.content())
        store.register("toy", folder)

    def spec(self) -> ArtifactSourceSpec:
        (spec,) = plugin.vetgate_artifact_sources()
        return spec

    def name(self) -> str:
        return "models:/toy/1"

    def missing(self) -> str:
        return "models:/toy/2"

    def content(self) -> bytes:
        return b"a model of sixty-four bytes".ljust(64, b".")


class TestMlflowPublisher(PublisherContract):
    @pytest.fixture(autouse=True)
    def _registered(self, store: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
        folder = tmp_path_factory.mktemp("model")
        (folder / "model.bin").write_bytes(b"a model")
        self.store = store
        store.register("toy", folder)

    def spec(self) -> PublisherSpec:
        (spec,) = plugin.vetgate_publishers()
        return spec

    def settings(self) -> dict[str, str]:
        return {"alias": "champion", "experiment": "gate"}

    def candidate(self) -> tuple[str, ModelOrigin | None]:
        return "models:/toy/1", ModelOrigin(source="mlflow", file="model.bin", facts={"name": "toy", "version": "1"})

    def in_use(self) -> bool:
        return "champion" in self.store.aliases("toy")

    def asked(self) -> int:
        return len(self.store.client().get_model_version("toy", "1").tags)


@pytest.fixture
def pair(store: Any, gate: Any) -> Any:
    """Register a reference and a copy of it as versions 1 and 2 of `toy`."""
    store.register("toy", gate.model("base"))
    store.register("toy", gate.model("copy"))
    return store


TOY = ("models:/toy/2", "--reference", "models:/toy/1")


def test_a_pass_is_tagged_and_gets_the_alias(pair: Any, gate: Any) -> None:
    assert gate.check(*TOY, "--publish", "mlflow:alias=champion,experiment=gate") == 0, gate.err
    assert pair.aliases("toy") == {"champion": "2"}
    assert pair.tags("toy", "2")["vetgate.decision"] == "pass"
    assert pair.tags("toy", "1") == {}
    assert "mlflow: toy version 2 has the alias 'champion'" in gate.err
    origin = gate.report()["candidate"]["origin"]
    assert (origin["source"], origin["file"]) == ("mlflow", "model.toy")
    assert origin["facts"].keys() == {"name", "version", "run", "server"}


def test_nothing_but_the_report_goes_to_stdout(pair: Any, gate: Any) -> None:
    assert gate.check(*TOY, "--publish", "mlflow", "--report", "json=-") == 0, gate.err
    assert json.loads(gate.out)["reports"][0]["verdict"]["decision"] == "pass"
    assert all(line.startswith("mlflow: ") for line in gate.err.strip().splitlines()), gate.err


def test_without_a_server_in_the_environment_nothing_is_made_here(gate: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert gate.check(*TOY) == 2
    assert "MLFLOW_TRACKING_URI=http://HOST:5000" in gate.err
    plain = str(gate.model("base") / "model.toy")
    assert gate.check(plain, "--reference", plain, "--publish", "mlflow") == 2
    assert not {"mlruns", "mlflow.db"} & {entry.name for entry in gate.folder.iterdir()}


@pytest.mark.parametrize("name", ["models:/toy/9", "models:/nobody/1", "models:/toy@nobody", "runs:/abcdef/model"])
def test_a_version_alias_or_run_that_is_not_there_is_a_mistake_in_the_command(pair: Any, gate: Any, name: str) -> None:
    assert gate.check(name, "--reference", "models:/toy/1") == 2
    assert name in gate.err
    assert "Traceback" not in gate.err


def test_a_file_or_a_folder_of_a_run_can_be_vetted(store: Any, gate: Any) -> None:
    folder = gate.model("base")
    (folder / "other.toy").write_bytes((folder / "model.toy").read_bytes())
    run_id, _ = store.log(folder)
    assert gate.check(f"runs:/{run_id}/model/model.toy", "--reference", f"runs:/{run_id}/model#model.toy") == 0
    assert gate.report()["candidate"]["card"] == f"runs:/{run_id}/model/model.toy#model/model.toy.yaml"
    assert gate.report()["candidate"]["origin"]["facts"]["artifact"] == "model/model.toy"
    for absent in (f"runs:/{run_id}/model/none.toy", f"runs:/{run_id}/none", f"runs:/{run_id}/model/model.toy#x"):
        assert gate.check(absent, "--reference", f"runs:/{run_id}/model/model.toy") == 2, absent
        assert "has no artifact" in gate.err


def test_several_models_in_one_artifact_are_named_and_one_is_asked_for(store: Any, gate: Any) -> None:
    folder = gate.model("base")
    (folder / "inner").mkdir()
    (folder / "inner" / "small.toy").write_bytes((folder / "model.toy").read_bytes())
    store.register("toy", folder)
    assert gate.check("models:/toy/1", "--reference", "models:/toy/1#model.toy") == 3
    reason = next(item["reason"] for item in gate.report()["evidence"] if item["check"] == "models")
    assert reason == (
        "models:/toy/1 holds 2 models: inner/small.toy, model.toy; which one is meant?; models:/toy/1#inner/small.toy"
    )
    assert gate.check("models:/toy/1#model.toy", "--reference", "models:/toy/1#model.toy") == 0, gate.err
    assert gate.check("models:/toy/1#none.toy", "--reference", "models:/toy/1#model.toy") == 3
    assert "there is no file 'none.toy' in it" in gate.told()


def test_an_artifact_without_a_model_is_told_with_what_it_holds(store: Any, gate: Any) -> None:
    folder = gate.folder / "sklearn"
    folder.mkdir()
    (folder / "MLmodel").write_text(mlmodel(sklearn={"pickled_model": "model.pkl"}), encoding="utf-8")
    (folder / "model.pkl").write_bytes(b"nothing")
    store.register("toy", folder)
    assert gate.check("models:/toy/1", "--reference", "models:/toy/1") == 3
    assert "holds no model of a format that an installed plugin recognises: it holds MLmodel, model.pkl" in gate.told()


def test_an_mlmodel_tells_which_file_is_the_model(store: Any, gate: Any) -> None:
    folder = gate.model("base")
    (folder / "model.toy").rename(folder / "model.onnx")  # told by content, whatever its name
    (folder / "model.toy.yaml").rename(folder / "model.onnx.yaml")
    (folder / "example.toy").write_bytes((folder / "model.onnx").read_bytes())
    (folder / "code").mkdir()
    (folder / "code" / "no_such_module.py").write_text("raise SystemExit(0)", encoding="utf-8")
    (folder / "MLmodel").write_text(mlmodel(onnx={"data": "model.onnx"}), encoding="utf-8")
    store.register("toy", folder)
    assert gate.check("models:/toy/1", "--reference", "models:/toy/1") == 0, gate.err
    assert gate.report()["candidate"]["origin"]["file"] == "model.onnx"


@pytest.mark.parametrize("data", ["../../outside", "/etc/hostname", ".", "none"])
def test_an_mlmodel_that_points_elsewhere_is_not_believed(store: Any, gate: Any, data: str) -> None:
    folder = gate.model("base")
    (folder / "MLmodel").write_text(mlmodel(onnx={"data": data}, pytorch={"model_data": data}), encoding="utf-8")
    store.register("toy", folder)
    assert gate.check("models:/toy/1", "--reference", "models:/toy/1") == 0, gate.err
    assert gate.report()["candidate"]["origin"]["file"] == "model.toy"


@pytest.mark.parametrize("text", ["", "[", "flavors: 3", "flavors: {onnx: 3}", "&a [*a]", "x" * (1 << 21), "{" * 9999])
def test_an_mlmodel_that_is_none_says_nothing(store: Any, gate: Any, text: str) -> None:
    folder = gate.model("base")
    (folder / "MLmodel").write_text(text, encoding="utf-8")
    store.register("toy", folder)
    assert gate.check("models:/toy/1", "--reference", "models:/toy/1", "--plan") == 0, gate.err


def test_a_pickled_pytorch_model_is_scanned_and_never_unpickled(store: Any, gate: Any) -> None:
    torch = pytest.importorskip("torch")
    folder = gate.folder / "pytorch"
    (folder / "data").mkdir(parents=True)
    mark = gate.folder / "mark"
    torch.save({"weight": Payload(mark)}, folder / "data" / "model.pth")
    (folder / "data" / "pickle_module_info.txt").write_text("mlflow.pytorch.pickle_module", encoding="utf-8")
    (folder / "MLmodel").write_text(mlmodel(pytorch={"model_data": "data"}), encoding="utf-8")
    store.register("toy", folder)
    store.register("base", gate.model("base"))
    assert gate.check("models:/toy/1", "--reference", "models:/base/1") in (1, 3)
    assert not mark.exists()
    assert gate.report()["candidate"]["origin"]["file"] == "data/model.pth"
    assert gate.report()["candidate"]["execution"] is None


def test_a_folder_that_is_larger_than_a_model_may_be_is_not_fetched(pair: Any, gate: Any) -> None:
    big = gate.model("big")
    with (big / "optimiser.bin").open("wb") as file:
        file.truncate(40_000_000)
    pair.register("toy", big)
    assert gate.check("models:/toy/3", "--reference", "models:/toy/1", "--memory-limit", "30MB") == 3
    assert "holds 40 MB, and 30 MB are the most that is fetched" in gate.told()


def test_a_run_of_ones_own_is_logged_into_and_another_verdict_is_refused_there(pair: Any, gate: Any) -> None:
    run_id, _ = pair.log(gate.model("other"))
    assert gate.check(*TOY, "--publish", f"mlflow:run={run_id}") == 0, gate.err
    run = pair.client().get_run(run_id)
    assert run.data.metrics["accuracy.top1.candidate"] == 1.0
    assert run.info.status == "RUNNING", "it is the user's to end"
    more = ("--seed", "1", "--publish", f"mlflow:run={run_id},alias=champion")
    assert gate.check(*TOY, *more) == 3
    assert "vetgate.seed" in gate.err
    assert pair.aliases("toy") == {}


def test_a_run_that_does_not_exist_is_told_and_the_verdict_stays(pair: Any, gate: Any) -> None:
    assert gate.check(*TOY, "--publish", "mlflow:run=abcdef") == 3
    assert "run abcdef" in gate.err
    assert gate.report()["verdict"]["decision"] == "pass"


def test_a_registered_reference_says_nothing_of_a_plain_candidate(pair: Any, gate: Any) -> None:
    plain = str(gate.model("plain") / "model.toy")
    assert gate.check(plain, "--reference", "models:/toy/1", "--publish", "mlflow:experiment=gate") == 0, gate.err
    assert pair.tags("toy", "1") == pair.tags("toy", "2") == {}
    assert gate.check(plain, "--reference", "models:/toy/1", "--publish", "mlflow:alias=champion") == 2


@pytest.mark.parametrize(("noise", "code"), [(0.0, 3), (3.0, 1)])
def test_a_server_that_is_down_keeps_no_fail_back_and_lets_no_pass_through(
    gate: Any, monkeypatch: pytest.MonkeyPatch, noise: float, code: int
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://anna:open-sesame@127.0.0.1:{port}")
    base, other = str(gate.model("base") / "model.toy"), str(gate.model("other", noise) / "model.toy")
    assert gate.check(other, "--reference", base, "--publish", "mlflow") == code
    assert f"the MLflow server at http://127.0.0.1:{port} does not answer" in gate.err
    assert gate.check("models:/toy/2", "--reference", base) == 3
    assert "does not answer" in gate.told()
    assert "open-sesame" not in gate.told()
    assert "anna" not in gate.told()


def test_a_store_beside_a_server_of_another_process_is_not_read(gate: Any, tmp_path: Path) -> None:
    from vetgate_mlflow.store import open_store

    from vetgate.domain.errors import UnreadableArtifact

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
        for uri in (f"file://{tmp_path}", str(tmp_path), "file:///etc"):
            with pytest.raises(UnreadableArtifact, match="folder of this machine"):
                open_store("models:/toy/1", uri)


@pytest.mark.parametrize(
    "uri", ["http://evil.example/m", "https://evil.example:443/m", "mlflow-artifacts://evil.example/1"]
)
def test_credentials_are_not_shown_to_a_server_that_whoever_registered_a_version_chose(
    uri: str, gate: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from vetgate_mlflow.store import open_store

    from vetgate.domain.errors import UnreadableArtifact

    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://mlflow.example:5000")
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "open-sesame")
    with pytest.raises(UnreadableArtifact, match="shown the credentials"):
        open_store("models:/toy/1", uri)
    own = "mlflow-artifacts:/1/model", uri.replace("evil", "mlflow")
    assert [open_store("models:/toy/1", each).name for each in own] == ["models:/toy/1"] * 2
    monkeypatch.delenv("MLFLOW_TRACKING_TOKEN")
    assert open_store("models:/toy/1", uri).name == "models:/toy/1"


@pytest.mark.parametrize("login", ["anna:open-sesame@", "anna:p@ss@word@", "eyJtoken@"])
def test_a_login_is_cut_off_whatever_is_in_it(login: str) -> None:
    from vetgate.domain.source import without_login

    assert without_login(f"see http://{login}mlflow.example/x, twice") == "see http://mlflow.example/x, twice"

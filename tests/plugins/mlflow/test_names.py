"""Names of models in MLflow, settings, and what is logged: all without any server."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vetgate_mlflow.client import _clean, public
from vetgate_mlflow.names import RegisteredName, RunName, is_inside, parse_name, registered_name
from vetgate_mlflow.publisher import make_publisher
from vetgate_mlflow.settings import read_settings

from vetgate.domain.errors import UsageError


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("models:/fashion/2", RegisteredName("fashion", "2", None, None)),
        ("models:/fashion/02", RegisteredName("fashion", "2", None, None)),
        ("models:///my model/17", RegisteredName("my model", "17", None, None)),
        ("models:/fashion@champion", RegisteredName("fashion", None, "champion", None)),
        ("models:/fashion/2#data/int8.onnx", RegisteredName("fashion", "2", None, "data/int8.onnx")),
        ("runs:/0a1b2c/model", RunName("0a1b2c", "model", None)),
        ("runs:/0a1b2c/model/#int8.onnx", RunName("0a1b2c", "model", "int8.onnx")),
        ("runs:/0a1b2c", RunName("0a1b2c", "", None)),
    ],
)
def test_a_name_means_one_thing(text: str, wanted: object) -> None:
    assert parse_name(text) == wanted


@pytest.mark.parametrize(
    "text",
    [
        *("models:/", "models:/fashion", "models:/fashion/latest", "models:/fashion/Production", "models:/a/b/3"),
        *("models:/fashion/2/inner", "models:/fashion@", "models:/@champion", "models:/fashion/-1", "runs:/"),
        *("models:/fashion/2#", "models:/fashion/2#../x", "models:/fashion/2#/etc/passwd", "models:/fashion/2#a//b"),
        *("runs:/abc/../../x", "runs:/abc//etc/passwd", "runs:/../abc", "runs:/abc/a\\b", "runs:/abc/a\nb"),
        "models:/fashion/2#" + "x" * 300,
    ],
)
def test_what_is_no_name_is_refused_with_how_to_write_one(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_name(text)
    assert "models:/NAME/VERSION" in caught.value.hint


@given(st.text())
def test_no_path_that_is_taken_leads_out_of_its_folder(path: str) -> None:
    if is_inside(path):
        whole = os.path.normpath(os.path.join("/folder", path))  # noqa: PTH118  # the plain arithmetic
        assert whole.startswith("/folder/")
        assert path.isprintable()


def test_only_versions_of_registered_models_are_such() -> None:
    assert registered_name("models:/fashion@challenger") == "fashion"
    assert registered_name("runs:/abc/model") is None
    assert registered_name("int8.onnx") is None


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"aliass": "x"}, "no setting 'aliass'"),
        ({"alias": ""}, "alias is ''"),
        ({"alias": "latest"}, "MLflow does not take"),
        ({"alias": "v3"}, "MLflow does not take"),
        ({"alias": "a/b"}, "MLflow does not take"),
        ({"run": "../x"}, "no run id"),
        ({"run": "abc", "experiment": "x"}, "lies in its experiment"),
        ({"experiment": "a\nb"}, "which is no name"),
    ],
)
def test_a_bad_setting_is_told(given: dict[str, str], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        read_settings(given)


@pytest.mark.parametrize(
    ("settings", "candidates", "told"),
    [
        ({"alias": "champion"}, ["int8.onnx"], "int8.onnx is none"),
        ({"alias": "champion"}, ["runs:/abc/model"], "runs:/abc/model is none"),
        ({"alias": "champion"}, ["models:/f/1", "models:/f@new"], "several are given"),
        ({"run": "abc"}, ["a.onnx", "b.onnx"], "figures of one candidate"),
    ],
)
def test_settings_that_do_not_suit_the_candidates_are_told(
    settings: dict[str, str], candidates: list[str], told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    with pytest.raises(UsageError, match=told):
        make_publisher(settings).require(candidates)
    make_publisher({"alias": "champion"}).require(["models:/f/1", "models:/g/1"])


def test_an_address_is_told_without_user_password_and_query() -> None:
    assert public("https://anna:open-sesame@host:5000/x?token=1#y") == "https://host:5000/x"
    assert public("postgresql://anna:open-sesame@db/mlflow?password=x") == "postgresql://db/mlflow"
    assert public("sqlite:///mlflow.db") == "sqlite:///mlflow.db"


def test_no_credential_that_a_library_quotes_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://anna:open-sesame@host:5000")
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "eyJtoken")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI")
    told = _clean("no https://anna:open-sesame@host:5000/api with Bearer eyJtoken,\n wJalrXUtnFEMI or open-sesame")
    assert told == "no https://host:5000/api with Bearer ***, *** or ***"

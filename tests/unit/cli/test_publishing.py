"""Who publishes results has the time that the user gives, whatever the models of the run need."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from vetgate.cli.publish import Publishing, choose_publishing
from vetgate.domain.errors import Inconclusive
from vetgate.domain.report import ReportSet
from vetgate.host import find_plugins

GOLDEN = Path(__file__).parents[2] / "golden" / "stopped.json"


def test_a_publisher_that_hangs_is_given_up_and_the_others_publish(
    acme: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ACME_DEPOT", str(tmp_path))
    host = find_plugins()
    publishers = {}
    for name, text in (("hangs", "acme:misbehave=hang"), ("works", "acme")):
        chosen = choose_publishing([text], ["a.onnx"], host, [], None)
        assert chosen is not None
        publishers[name] = chosen.publishers["acme"]
    reports = ReportSet.model_validate_json(GOLDEN.read_bytes())
    start = time.monotonic()
    with pytest.raises(Inconclusive, match="not published: hangs: it was not done within 2 s"):
        Publishing(publishers, [], host, seconds=2).publish(reports, {}, {})
    assert time.monotonic() - start < 60
    assert (tmp_path / "notes" / "report.json").is_file()

"""Plugins are loaded one by one, and every one has a status."""

from __future__ import annotations

import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from vetgate.domain.errors import MissingExtra, UsageError
from vetgate.host import Kind, Offer, Plugin, Status, find_plugins
from vetgate.host.extras import lacking
from vetgate.host.registry import _settle


def _statuses(acme: Path) -> dict[str, Plugin]:
    return {plugin.name: plugin for plugin in find_plugins().plugins}


def test_a_strangers_plugin_is_found_as_our_own_are(acme: Path) -> None:
    host = find_plugins()
    assert {"acme", "onnx", "torch", "litert"} <= set(host.names(Kind.BACKEND))


def test_a_broken_plugin_is_named_and_stops_nothing(acme: Path) -> None:
    plugins = _statuses(acme)
    assert plugins["acme-broken"].status is Status.BROKEN
    assert "acme forgot to test this" in plugins["acme-broken"].detail
    assert plugins["acme"].status is Status.READY


def test_a_plugin_of_another_api_is_told_and_never_imported(acme: Path) -> None:
    assert _statuses(acme)["acme-future"].status is Status.INCOMPATIBLE


def test_a_disabled_plugin_offers_nothing(acme: Path) -> None:
    host = find_plugins(disabled=["acme"])
    assert host.offer(Kind.BACKEND, "acme") is None
    assert {plugin.name: plugin.status for plugin in host.plugins}["acme"] is Status.DISABLED


def _rival(name: str) -> Plugin:
    from vetgate.domain.specs import PolicySpec

    spec = PolicySpec("edge", "another edge", lambda: "")
    offer = Offer(Kind.POLICY, "edge", spec, name, "rivals")
    return Plugin(name, "rivals", "1", f"{name}.plugin", Status.READY, offers=(offer,))


def test_two_plugins_that_claim_one_name_are_a_conflict_that_names_both() -> None:
    host = _settle([_rival("first"), _rival("second")], {})
    assert host.offer(Kind.POLICY, "edge") is None
    assert [plugin.status for plugin in host.plugins] == [Status.CONFLICT, Status.CONFLICT]
    assert all("first and second" in plugin.detail for plugin in host.plugins)


def test_a_conflict_is_settled_by_the_users_word() -> None:
    host = _settle([_rival("first"), _rival("second")], {"edge": "second"})
    offer = host.offer(Kind.POLICY, "edge")
    assert offer is not None
    assert offer.plugin == "second"
    with pytest.raises(UsageError, match="third"):
        _settle([_rival("first"), _rival("second")], {"edge": "third"})


def test_what_an_extra_lacks_is_read_from_the_distribution_that_offers_it() -> None:
    assert lacking("vetgate", "onnx") == ()
    offer = Offer(Kind.BACKEND, "x", find_plugins().backends()[0], "x", "vetgate", ("nosuchruntime>=1.2",))
    with pytest.raises(MissingExtra, match=r"needs nosuchruntime>=1.2") as raised:
        offer.require()
    assert raised.value.hint.startswith("pip install 'vetgate[")


def test_a_check_may_not_take_the_name_of_what_the_gate_itself_says(monkeypatch: pytest.MonkeyPatch) -> None:
    from types import ModuleType

    from vetgate.api import CheckSpec, Need, hookimpl
    from vetgate.host.registry import _load

    def vetgate_checks() -> list[CheckSpec[Any]]:
        return [CheckSpec("repeat", "says that all is well", Need.TABLE, (), lambda: None)]  # type: ignore[arg-type, return-value]

    module = ModuleType("a_silencer")
    module.vetgate_checks = hookimpl(vetgate_checks)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "a_silencer", module)
    loaded = _load(metadata.EntryPoint("silencer", "a_silencer", "vetgate.v1"), set())
    assert loaded.status is Status.BROKEN
    assert "a check named 'repeat', which is what the gate itself says" in loaded.detail

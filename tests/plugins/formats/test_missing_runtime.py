"""A runtime that is not installed is named, with the extra that brings it."""

from __future__ import annotations

import pytest

from tests.plugins.formats.networks import FORMATS
from vetgate.api import MissingExtra
from vetgate.host import Kind, extras, find_plugins


@pytest.mark.parametrize("name", sorted({kind.backend for kind in FORMATS}))
def test_the_message_names_the_library_and_the_extra(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    extras.lacking.cache_clear()
    monkeypatch.setattr(extras, "_version", lambda _: None)
    offer = find_plugins().offer(Kind.BACKEND, name)
    extras.lacking.cache_clear()
    assert offer is not None
    with pytest.raises(MissingExtra, match=f"backend '{name}' needs") as refused:
        offer.require()
    assert refused.value.hint == f"pip install 'vetgate[{name}]'"

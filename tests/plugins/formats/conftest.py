from __future__ import annotations

from pathlib import Path

import pytest

from tests.plugins.formats.networks import FORMATS


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return the network in all formats, each in a folder of its own."""
    return {kind.name: kind.write(tmp_path_factory.mktemp("format")) for kind in FORMATS}

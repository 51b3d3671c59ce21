"""What an extra lacks, read from the metadata of the distribution that offers it, ours or a stranger's."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib import metadata

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


@cache
def lacking(distribution: str, extra: str) -> tuple[str, ...]:
    """Return the requirements of `distribution[extra]` that are not installed in a version that satisfies them.

    Args:
        distribution: Name of an installed distribution.
        extra: Name of one of its extras.
    """
    return tuple(str(need) for need in _requirements(distribution, extra) if not _satisfied(need))


@cache
def versions(distribution: str, extra: str | None) -> dict[str, str]:
    """Return the installed version of each distribution that `distribution[extra]` needs beyond the bare install."""
    if extra is None:
        return {}
    found = {canonicalize_name(need.name): _version(need.name) for need in _requirements(distribution, extra)}
    return {name: version for name, version in sorted(found.items()) if version is not None}


def _requirements(distribution: str, extra: str) -> Iterator[Requirement]:
    """Yield what the extra adds, looking through extras of the distribution that it names in turn."""
    for text, need in _required(distribution).items():
        if need.marker is None or "extra" not in str(need.marker) or not need.marker.evaluate({"extra": extra}):
            continue
        if canonicalize_name(need.name) == canonicalize_name(distribution):
            for inner in sorted(need.extras):
                yield from _requirements(distribution, inner)
        else:
            plain = Requirement(text)
            plain.marker = None
            yield plain


@cache
def _required(distribution: str) -> dict[str, Requirement]:
    """Return everything that a distribution names, by how it is written."""
    return {text: Requirement(text) for text in metadata.distribution(distribution).requires or ()}


def _satisfied(need: Requirement) -> bool:
    version = _version(need.name)
    return version is not None and need.specifier.contains(version, prereleases=True)


@cache
def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None

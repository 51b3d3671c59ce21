"""Opening a data set and freezing the list of images."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, cast

from vetgate.domain.errors import DataError, MissingExtra, UsageError, VetgateError
from vetgate.domain.samples import Samples, SampleSet
from vetgate.domain.specs import DataSourceSpec
from vetgate.host import Host, Kind

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Images:
    """A frozen list of images, opened."""

    name: str
    """The path as typed."""
    source: SampleSet
    indices: Sequence[int]
    """(N,) samples of the source that take part: ascending, or in random order where the run may stop early."""
    sha256: str
    """Of ids, digests, labels, class names and metadata of those that take part."""
    reader: Mapping[str, str]
    """What decodes them: the data source, and versions of what it stands on."""

    @property
    def samples(self) -> Samples:
        """Every sample of the source, also those that do not take part."""
        return self.source.samples

    @property
    def labelled(self) -> bool:
        """Whether labels, masks or boxes say what is right."""
        return self.samples.labels is not None or self.samples.annotated is not None

    @property
    def ids(self) -> list[str]:
        """(N,) ids of the images that take part."""
        return [self.samples.ids[index] for index in self.indices]

    @property
    def digests(self) -> list[str]:
        """(N,) digests of the images that take part."""
        return [self.samples.digests[index] for index in self.indices]

    def sha256_of(self, count: int) -> str:
        """Return the digest of the first `count` images as a list of their own; of all, it is `sha256`."""
        if count >= len(self.indices):
            return self.sha256
        return _digest(self.samples, sorted(self.indices[:count]))


def open_images(path: str, host: Host, limit: int | None, seed: int, *, shuffled: bool = False) -> Images:
    """Open a data set and choose the images.

    Args:
        path: A file or folder.
        host: Who may read it.
        limit: Draw this many at random, without replacement; None takes all.
        seed: Of that draw, and of the order.
        shuffled: Whether the images come in random order, so that the first ones stand for all.

    Raises:
        UsageError: The path does not exist.
        DataError: No installed plugin reads it, several do, or it holds no images.
        MissingExtra: Its plugin lacks a library.
    """
    place = Path(path)
    if not place.exists():
        raise UsageError(f"the data set {path} does not exist")
    spec, versions = _reader(path, host)
    source = _open(spec, place)
    available = len(source.samples)
    if available == 0:
        raise DataError(f"the data set {path} holds no images")
    indices = _draw(available, limit, seed)
    reader = {"source": spec.name, "pillow": metadata.version("pillow"), **versions}
    order = _shuffle(indices, seed) if shuffled else indices
    return Images(path, source, order, _digest(source.samples, indices), reader)


def _open(spec: DataSourceSpec, place: Path) -> SampleSet:
    try:
        return spec.factory(place)
    except VetgateError:
        raise
    except Exception as error:  # a reader of a stranger may raise anything on a damaged file
        told = f"{type(error).__name__}: {' '.join(str(error).split())[:400]}"
        raise DataError(f"the data set {place} cannot be read by {spec.name}: {told}") from None


def _recognises(spec: DataSourceSpec, place: Path) -> bool:
    try:
        return spec.recognise(place)
    except Exception:  # it must never raise; one that does knows nothing of this data
        return False


def _require_content(place: Path) -> None:
    """Say plainly what is wrong with a place that nobody could read anything from."""
    if place.is_dir():
        if not any(place.iterdir()):
            raise DataError(f"the data set {place} is an empty folder")
    elif not place.is_file():
        raise DataError(f"the data set {place} is neither a regular file nor a folder")
    elif place.stat().st_size == 0:
        raise DataError(f"the data set {place} is empty (0 bytes)")


def _reader(path: str, host: Host) -> tuple[DataSourceSpec, dict[str, str]]:
    claims = [spec for spec in host.data_sources() if _recognises(spec, Path(path))]
    if not claims:
        _require_content(Path(path))
        known = ", ".join(host.names(Kind.DATA_SOURCE)) or "none"
        raise DataError(
            f"no installed plugin reads the data set {path} (known: {known})",
            hint="a folder or zip needs images in a folder a class, a CSV the columns path and label: docs/data.md",
        )
    if len(claims) > 1:
        raise DataError(
            f"the data set {path} is claimed by {' and '.join(spec.name for spec in claims)}",
            hint="switch one off with --disable PLUGIN",
        )
    offer = host.offer(Kind.DATA_SOURCE, claims[0].name)
    if offer is None:
        raise MissingExtra(f"data source {claims[0].name!r} is not on offer")
    offer.require()
    return claims[0], offer.versions


def _draw(available: int, limit: int | None, seed: int) -> Sequence[int]:
    if limit is None or limit >= available:
        return range(available)
    import numpy as np

    drawn = np.random.default_rng(seed).choice(available, size=limit, replace=False)
    return cast("list[int]", np.sort(drawn).tolist())


def _shuffle(indices: Sequence[int], seed: int) -> Sequence[int]:
    import numpy as np

    # A stream of its own: the draw of --limit has used up the start of the one that the seed alone begins.
    return cast("list[int]", np.random.default_rng((seed, 1)).permutation(np.asarray(indices)).tolist())


def _digest(samples: Samples, indices: Sequence[int]) -> str:
    labels = _labels(samples.labels)
    rows = (f"{samples.ids[index]}\0{samples.digests[index]}\0{labels[index] if labels else ''}\n" for index in indices)
    digest = hashlib.sha256("".join(rows).encode())
    digest.update("\0".join(samples.classes or ()).encode())
    if samples.annotated is not None:
        told = [samples.annotated.value, *(samples.annotations[index] for index in indices)]
        digest.update(f"\0\0\0{json.dumps(told)}".encode())
    for name in sorted(samples.columns):  # none for data without columns, whose digests stay as they were
        values = samples.columns[name]
        digest.update(f"\0\0{json.dumps([name, *(values[index] for index in indices)])}".encode())
    return digest.hexdigest()


def _labels(labels: NDArray[np.int64] | None) -> list[int] | None:
    return None if labels is None else cast("list[int]", labels.tolist())

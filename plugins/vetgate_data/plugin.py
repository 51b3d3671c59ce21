"""What this plugin offers: nine ways to read a sample set."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from vetgate.api import DataSourceSpec, SampleSet, hookimpl
from vetgate_data.recognise import Source, is_source


def _image_folder(path: Path) -> SampleSet:
    from vetgate_data.folder import open_folder

    return open_folder(path)


def _zip(path: Path) -> SampleSet:
    from vetgate_data.archive import open_archive

    return open_archive(path)


def _npz(path: Path) -> SampleSet:
    from vetgate_data.npz import open_npz

    return open_npz(path)


def _idx(path: Path) -> SampleSet:
    from vetgate_data.idx import open_idx

    return open_idx(path)


def _cifar(path: Path) -> SampleSet:
    from vetgate_data.cifar import open_cifar

    return open_cifar(path)


def _parquet(path: Path) -> SampleSet:
    from vetgate_data.parquet import open_parquet

    return open_parquet(path)


def _csv(path: Path) -> SampleSet:
    from vetgate_data.manifest import open_manifest

    return open_manifest(path)


def _masks(path: Path) -> SampleSet:
    from vetgate_data.masks import open_masks

    return open_masks(path)


def _coco(path: Path) -> SampleSet:
    from vetgate_data.coco import open_coco

    return open_coco(path)


_SOURCES = (
    (Source.MASKS, "folders images and masks, the class of every pixel in a PNG", _masks, None),
    (Source.COCO, "images with the boxes of a COCO-style instances.json", _coco, None),
    (Source.IMAGE_FOLDER, "folder of images, a sub-folder per class", _image_folder, None),
    (Source.ZIP, "zip of an image folder, read in place", _zip, None),
    (Source.NPZ, "numpy archive with the arrays images and labels", _npz, None),
    (Source.IDX, "IDX files of MNIST and Fashion-MNIST, the test part of a folder", _idx, None),
    (Source.CIFAR, "binary CIFAR-10 and CIFAR-100, the test part of a folder", _cifar, None),
    (Source.PARQUET, "parquet with image bytes and labels, as Hugging Face writes it", _parquet, "parquet"),
    (Source.CSV, "CSV manifest of paths and labels", _csv, None),
)


@hookimpl
def vetgate_data_sources() -> tuple[DataSourceSpec, ...]:
    """Offer every data source; at most one of them recognises a path."""
    return tuple(
        DataSourceSpec(source.value, summary, partial(is_source, source), factory, extra)
        for source, summary, factory, extra in _SOURCES
    )

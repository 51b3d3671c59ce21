"""A folder of images, a sub-folder per class."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from vetgate.api import DataError, SampleSet, UnreadableImage
from vetgate_data.encoded import EncodedImages
from vetgate_data.layout import Tree, arrange


def open_folder(path: Path) -> SampleSet:
    """Open a folder of images.

    The folders of one level are the classes: sorted by name they are labelled from 0, or as `classes.txt` says. Images
    may lie deeper inside them. Images in no folder are a set without labels. Hidden files and files without the suffix
    of an image are ignored.

    Raises:
        DataError: No images, or it cannot be told which class an image is of.
    """
    try:
        entries = list(_entries(path))
    except OSError as error:
        raise DataError(f"the folder {path} cannot be read: {error.strerror}") from None
    tree = Tree(
        where=str(path),
        stem=path.name,
        files={name for name, is_folder in entries if not is_folder},
        folders={name for name, is_folder in entries if is_folder},
        read=lambda name: (path / name).read_bytes(),
    )
    layout = arrange(tree)

    def fetch(index: int) -> bytes:
        return read_file(path / layout.files[index])

    return EncodedImages(layout.ids, fetch, layout.labels, layout.classes, str(path))


def read_file(path: Path) -> bytes:
    """Return the bytes of a file.

    Raises:
        UnreadableImage: It is missing, no file, or may not be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise UnreadableImage(error.strerror or type(error).__name__) from None


def _entries(root: Path) -> Iterator[tuple[str, bool]]:
    """Yield (relative path with `/`, whether it is a folder) of what is not hidden; links are followed, loops are not."""
    above = {os.path.realpath(root): frozenset({os.path.realpath(root)})}
    pending = [(str(root), "")]
    while pending:
        folder, prefix = pending.pop()
        line = above[os.path.realpath(folder)]
        with os.scandir(folder) as found:
            for entry in found:
                if entry.name.startswith("."):
                    continue
                is_folder = entry.is_dir()
                if is_folder:
                    real = os.path.realpath(entry.path)
                    if real in line:
                        raise DataError(f"the folder {entry.path} is a link to a folder above it")
                    above[real] = line | {real}
                    pending.append((entry.path, f"{prefix}{entry.name}/"))
                yield prefix + entry.name, is_folder

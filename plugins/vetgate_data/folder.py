"""A folder of images, a sub-folder per class."""

from __future__ import annotations

from pathlib import Path

from vetgate.api import SampleSet, UnreadableImage
from vetgate_data.encoded import EncodedImages
from vetgate_data.layout import Tree, arrange
from vetgate_data.listing import entries


def open_folder(path: Path) -> SampleSet:
    """Open a folder of images.

    The folders of one level are the classes: sorted by name they are labelled from 0, or as `classes.txt` says. Images
    may lie deeper inside them. Images in no folder are a set without labels. Hidden files and files without the suffix
    of an image are ignored.

    Raises:
        DataError: No images, or it cannot be told which class an image is of.
    """
    found = list(entries(path))
    tree = Tree(
        where=str(path),
        stem=path.name,
        files={name for name, is_folder in found if not is_folder},
        folders={name for name, is_folder in found if is_folder},
        read=lambda name: read_file(path / name),
    )
    layout = arrange(tree)

    def fetch(index: int) -> bytes:
        return read_file(path / layout.files[index])

    return EncodedImages(layout.ids, fetch, layout.labels, layout.classes, str(path), layout.columns)


def read_file(path: Path) -> bytes:
    """Return the bytes of a file.

    Raises:
        UnreadableImage: It is missing, no file, or may not be read.
    """
    try:
        if path.exists() and not path.is_file():
            raise UnreadableImage("no regular file")
        return path.read_bytes()
    except OSError as error:
        raise UnreadableImage(error.strerror or type(error).__name__) from None
    except ValueError as error:  # a name with a zero byte is no name
        raise UnreadableImage(str(error)) from None

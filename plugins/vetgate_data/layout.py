"""Which file is an image of which class, told from names alone; the same for folders and archives.

The classes are the folders of one level. On the way there one wrapping folder is looked through (`images`, or the name
of the archive itself), and where that level holds the parts of a data set (train, test, ...) the test part is read.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from vetgate.api import DataError, UnreadableImage
from vetgate_data import classlist, metadata
from vetgate_data.recognise import MASK_FOLDERS, is_image

PARTS = frozenset({"train", "training", "test", "testing", "val", "valid", "validation"})
TEST_PARTS = ("test", "testing")


@dataclass(frozen=True)
class Tree:
    """A folder or archive as names, hidden ones left out."""

    where: str
    """As the user named it."""
    stem: str
    """Its own name without suffix: archives often wrap their content in a folder of that name."""
    files: Collection[str]
    """Relative paths with `/`."""
    folders: Collection[str]
    """Relative paths with `/`, also of folders without files."""
    read: Callable[[str], bytes]
    """Returns the content of a small file; raises UnreadableImage."""


@dataclass(frozen=True)
class Layout:
    """The images of a tree, sorted by id."""

    files: tuple[str, ...]
    """(N,) relative to the tree."""
    ids: tuple[str, ...]
    """(N,) relative to the folder that holds the classes, so that wrapping changes no id."""
    labels: tuple[int, ...] | None
    classes: tuple[str, ...] | None
    columns: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """(N,) texts by metadata column."""


@dataclass(frozen=True)
class _Level:
    """One folder on the way to the classes."""

    prefix: str
    """Empty, or a relative path that ends with `/`."""
    images: tuple[str, ...]
    """Paths of all images below, relative to it."""
    classes: tuple[str, ...] | None
    """The nearest classes.txt at this level or above."""
    metadata: str | None
    """Folder of the nearest metadata.csv at this level or above: a prefix."""

    @property
    def heads(self) -> set[str]:
        """Folders of this level that hold images, however deep."""
        return {image.partition("/")[0] for image in self.images if "/" in image}

    @property
    def loose(self) -> list[str]:
        """Images that lie in no folder of this level."""
        return [image for image in self.images if "/" not in image]


def arrange(tree: Tree) -> Layout:
    """Return the images of a tree with their labels.

    Raises:
        DataError: No images, it cannot be told which class an image is of, or metadata.csv does not fit them.
    """
    images = tuple(sorted(name for name in tree.files if is_image(name)))
    if not images:
        raise DataError(f"the data set {tree.where} holds no images, but {len(tree.files)} files of other kinds")
    level = _class_level(tree, _Level("", images, _list_at("", tree, None), _table_at("", tree, None)))
    files = tuple(level.prefix + image for image in level.images)
    if not level.heads:
        return Layout(files, level.images, None, level.classes, _columns(tree, level, files))
    if level.loose:
        raise DataError(
            f"the data set {tree.where} holds {len(level.loose)} images beside its class folders, such as "
            f"{level.prefix}{level.loose[0]}",
            hint="move each into the folder of its class",
        )
    classes = _class_names(level, tree)
    label = {name: place for place, name in enumerate(classes)}
    labels = tuple(label[image.partition("/")[0]] for image in level.images)
    return Layout(files, level.images, labels, classes, _columns(tree, level, files))


def _class_level(tree: Tree, level: _Level) -> _Level:
    """Go down through at most one wrapping folder and one part."""
    if (wrapper := _wrapper(level, tree)) is not None:
        level = _down(level, wrapper, tree)
    if (part := _part(level, tree)) is not None:
        level = _down(level, part, tree)
    return level


def _named(level: _Level) -> bool:
    """Whether a folder of this level is a listed class, so that the classes stand here."""
    return level.classes is not None and not level.heads.isdisjoint(level.classes)


def _wrapper(level: _Level, tree: Tree) -> str | None:
    """Return the folder that wraps all others, if there is one.

    Raises:
        DataError: A lone folder with folders below may be a wrapper as well as the only class.
    """
    if level.loose or len(level.heads) != 1 or _named(level):
        return None
    only = next(iter(level.heads))
    if only in ("images", tree.stem):
        return only
    if only in PARTS or any(image.count("/") == 1 for image in level.images):
        return None
    raise DataError(
        f"the data set {tree.where} holds one folder, {only!r}, with folders below: either may be the classes",
        hint=f"point at {only}, rename it to images, or list the classes in {classlist.NAME}",
    )


def _part(level: _Level, tree: Tree) -> str | None:
    """Return the part of a data set to read, if this level holds parts.

    Raises:
        DataError: There are several, and none is the test part.
    """
    parts = level.heads
    nested = not any(image.count("/") == 1 for image in level.images)
    if level.loose or _named(level) or not parts <= PARTS or (len(parts) == 1 and not nested):
        return None
    if len(parts) == 1:
        return next(iter(parts))
    tests = [part for part in TEST_PARTS if part in parts]
    if len(tests) != 1:
        raise DataError(
            f"the data set {tree.where} holds the parts {', '.join(sorted(parts))}, and no single test part",
            hint="name one of them",
        )
    return tests[0]


def _down(level: _Level, folder: str, tree: Tree) -> _Level:
    prefix = f"{level.prefix}{folder}/"
    inner = tuple(image[len(folder) + 1 :] for image in level.images if image.startswith(f"{folder}/"))
    return _Level(prefix, inner, _list_at(prefix, tree, level.classes), _table_at(prefix, tree, level.metadata))


def _list_at(prefix: str, tree: Tree, above: tuple[str, ...] | None) -> tuple[str, ...] | None:
    name = prefix + classlist.NAME
    if name not in tree.files:
        return above
    classes = classlist.parse_classes(_content(tree, name), f"{tree.where}/{name}")
    if above is not None and above != classes:
        raise DataError(f"the data set {tree.where} has two lists of classes that differ; the inner one is {name}")
    return classes


def _content(tree: Tree, name: str) -> bytes:
    try:
        return tree.read(name)
    except UnreadableImage as error:
        raise DataError(f"{tree.where}/{name} cannot be read: {error}") from None


def _table_at(prefix: str, tree: Tree, above: str | None) -> str | None:
    return prefix if prefix + metadata.NAME in tree.files else above


def _columns(tree: Tree, level: _Level, files: Sequence[str]) -> Mapping[str, Sequence[str]]:
    """Return the metadata of the images; the nearest metadata.csv speaks, relative to its own folder."""
    top = level.metadata
    if top is None:
        return {}
    name = top + metadata.NAME
    below = {file[len(top) :] for file in tree.files if file.startswith(top) and is_image(file)}
    return metadata.parse_metadata(_content(tree, name), f"{tree.where}/{name}", below, [f[len(top) :] for f in files])


def _require_no_masks(level: _Level, tree: Tree) -> None:
    """Refuse masks that are taken for classes, since something lies beside them or they are packed.

    Raises:
        DataError: There are the folders of masks, and no list of classes names them.
    """
    if not level.heads >= MASK_FOLDERS or (level.classes is not None and set(level.classes) & MASK_FOLDERS):
        return
    others = sorted(_folders(level, tree) - MASK_FOLDERS)
    told = f"the data set {tree.where} holds the folders {level.prefix}images and {level.prefix}masks"
    if others:
        raise DataError(
            f"{told}, and {level.prefix}{others[0]} beside them",
            hint=f"a data set of masks holds these two folders, {classlist.NAME} and no other folder: take it out; if "
            f"all these are classes, list them in {classlist.NAME}",
        )
    raise DataError(
        f"{told}; masks are read of a folder that holds these two itself",
        hint=f"unpack it, or point at that folder; if both are classes, list them in {classlist.NAME}",
    )


def _folders(level: _Level, tree: Tree) -> set[str]:
    """Return the folders of a level, also those without images."""
    below = (folder[len(level.prefix) :] for folder in tree.folders if folder.startswith(level.prefix))
    return {folder.partition("/")[0] for folder in below} - {""}


def _class_names(level: _Level, tree: Tree) -> tuple[str, ...]:
    _require_no_masks(level, tree)
    if level.classes is not None:
        strange = sorted(level.heads - set(level.classes))
        if strange:
            raise DataError(
                f"the folder {level.prefix}{strange[0]} of {tree.where} is none of the {len(level.classes)} classes in "
                f"{classlist.NAME}",
                hint="add it to the list, or take it out of the data set",
            )
        return level.classes
    empty = sorted(_folders(level, tree) - level.heads)
    if empty:
        raise DataError(
            f"the folder {level.prefix}{empty[0]} of {tree.where} holds no images, "
            "so that the labels of those after it are in doubt",
            hint=f"remove it, or list the classes in {classlist.NAME}",
        )
    return tuple(sorted(level.heads))

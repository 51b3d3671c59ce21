"""What a rule is confined to: slices as people write them, in words, and which a figure takes."""

from __future__ import annotations

from vetgate.documents import suggest
from vetgate.domain.evidence import BATCH, CONCEPT, LABEL, Slice, of_label
from vetgate.domain.specs import MetricSpec

EACH = "each"
"""`slice: each label`."""
EACH_LABEL = f"{EACH} {LABEL}"


def read_slice(text: str) -> Slice:
    """Return what a rule's `slice` means: `each COLUMN`, `COLUMN=VALUE`, or the name of a class."""
    each, _, column = text.partition(" ")
    if each == EACH and column.strip():
        return Slice(by=column.strip())
    column, equals, value = text.partition("=")
    return Slice(by=column.strip(), value=value.strip()) if equals else of_label(text)


def slice_text(where: Slice) -> str:
    """Return a slice as the policy language reads it back."""
    if where.value is None:
        return f"{EACH} {where.by}"
    plain = where.by == LABEL and where.value != EACH and read_slice(where.value) == where
    return where.value if plain else f"{where.by}={where.value}"


def slice_words(where: Slice | None) -> str:
    """Return ` for class 'cat'`, ` for weather 'rain'` or ` for each label`; nothing for all images."""
    if where is None:
        return ""
    if where.value is None:
        return f" for each {where.by}"
    return f" for {'class' if where.by == LABEL else where.by} {where.value!r}"


def slices_noun(by: str, count: int) -> str:
    """Return what the slices of a column are called: `3 classes`, `1 value of weather`."""
    if by == LABEL:
        return f"{count:,} {'class' if count == 1 else 'classes'}"
    return f"{count:,} {'value' if count == 1 else 'values'} of {by}"


def images_noun(where: Slice | None) -> str:
    """Return what is counted: `images`, or those of one slice."""
    if where is None or where.value is None:
        return "images"
    return "images of the class" if where.by == LABEL else f"images of that {where.by}"


def counts_images(where: Slice) -> bool:
    """Return whether the parts are parts of the images by a column that they have, and not of timed calls."""
    return where.by not in (BATCH, CONCEPT)


def slice_mistake(text: str | None, spec: MetricSpec) -> str:
    """Return what is wrong with the `slice` of a rule on a figure, with the cure; empty where nothing is.

    Args:
        text: As written; None where the rule has none.
        spec: The figure.
    """
    columns = spec.columns
    if text is None:
        wanted = f"{EACH} {columns[0] if columns else 'COLUMN'}"
        return f"{spec.id} is a figure over slices; say which, such as `slice: {wanted}`" if spec.over_slices else ""
    if not spec.sliced and not spec.over_slices:
        return f"{spec.id} does not come per slice; drop `slice`"
    where = read_slice(text)
    if text == EACH or not where.by or where.value == "":
        named = f", or `{LABEL}={EACH}` for a class of that name" if text == EACH else ", or the name of a class"
        return f"{text!r} is no slice; write `{EACH_LABEL}`, COLUMN=VALUE{named}"
    if where.value is None and "=" in where.by:
        return f"{text!r} is both each value and one; write `{where.by}` for the one"
    if columns and where.by not in columns:
        named = f", or `{LABEL}={text}` for the class of that name" if columns == (LABEL,) else ""
        return f"{spec.id} is sliced by {', '.join(columns)}, not by {where.by}; write `{EACH} {columns[0]}`{named}"
    if spec.over_slices and where.value is not None:
        return f"{spec.id} is a figure over all slices of a column; write `{EACH} {where.by}`"
    near = suggest(text, [EACH_LABEL]) if where == of_label(text) else ""
    return f"no class is called {text!r}{near}" if near else ""

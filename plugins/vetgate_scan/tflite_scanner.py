"""Reads TFLite files as their verifier would, and goes on where it ends: operators, calls, packed files."""

from __future__ import annotations

import re
from pathlib import Path

from vetgate.api import Finding, Probe, ScanContext, UnreadableArtifact
from vetgate_scan import tflite_rules as rule
from vetgate_scan.flat import CutOffError, Flat, FlatError, FlatTable
from vetgate_scan.found import Found, quoted
from vetgate_scan.mapped import mapped
from vetgate_scan.packed import look_at_packed
from vetgate_scan.tflite_graph import look_at_calls, look_at_graph
from vetgate_scan.tflite_operator import read_code
from vetgate_scan.wire import Data
from vetgate_scan.zip_end import zip_end

_MARK = b"TFL3"
_VERSION = 3
_MOST_GRAPHS = 10_000
_SOMETHING = re.compile(rb"[^\0]")


def recognise(probe: Probe) -> bool:
    """Return whether the file carries TFLite's identifier."""
    return probe.head[4:8] == _MARK


class TfliteScanner:
    """Reads the model file."""

    def scan(self, context: ScanContext) -> tuple[Finding, ...]:
        """Return what was found in the model file.

        Raises:
            UnreadableArtifact: It is cut off and nothing worse.
        """
        return scan_file(context.artifact.file, is_tflite=context.format in ("tflite", ""))


def scan_file(file: Path, *, is_tflite: bool = True) -> tuple[Finding, ...]:
    """Return what was found in one file; one that is of another format is no TFLite file that was cut off.

    Raises:
        UnreadableArtifact: It is cut off and nothing worse.
    """
    found = Found(file.name)
    with mapped(file) as data:
        flat = Flat(data)
        try:
            _look_at_model(flat, found)
        except FlatError as error:
            # a file that was cut off ends in the middle of the model, not with an archive
            if is_tflite and isinstance(error, CutOffError) and not found and zip_end(data) is None:
                raise UnreadableArtifact(f"{file.name} ends too soon: {error}", hint=rule.DAMAGED.advice) from None
            found.add(rule.DAMAGED, f"it cannot be read to the end: {error}")
            return found.all()
        _look_behind(data, flat.reach, file, found)
    return found.all()


def _look_at_model(flat: Flat, found: Found) -> None:
    root = flat.root()
    if root.number(0, "I") != _VERSION:
        found.add(rule.DAMAGED, f"it is of version {root.number(0, 'I')} of the format, not {_VERSION}")
    codes = [read_code(table, found) for table in root.tables(1)]
    root.text(3)
    buffers = [_buffer(table, found) for table in root.tables(4)]
    _, count = root.vector(2, 4)
    if not 0 < count <= _MOST_GRAPHS:
        found.add(rule.GIANT, f"it has {count:,} graphs")
        return
    graphs = [look_at_graph(table, codes, buffers, found) for table in root.tables(2)]
    look_at_calls(graphs, found)
    _look_at_rest(root, len(buffers), len(graphs), found)


def _buffer(table: FlatTable, found: Found) -> tuple[int, int]:
    """Return start and length of a buffer; those of files over 2 GB lie behind the FlatBuffer."""
    start, length = table.vector(0, 1)
    offset, size = table.number(1, "Q"), table.number(2, "Q")
    if offset <= 1:
        return start, length
    if offset + size > table.flat.size or length:
        found.add(rule.BUFFER, f"a buffer is {size:,} bytes at byte {offset:,} of a file of {table.flat.size:,}")
        return 0, 0
    return table.flat.require(offset, size), size


def _look_at_rest(root: FlatTable, buffers: int, graphs: int, found: Found) -> None:
    """Look at metadata, signatures and external buffers."""
    for entry in root.tables(6):
        if entry.number(1, "I") >= buffers:
            found.add(rule.DAMAGED, f"metadata {quoted(entry.text(0))} are in buffer {entry.number(1, 'I'):,}")
    for index in root.numbers(5, "i"):
        if not 0 <= index < buffers:
            found.add(rule.DAMAGED, f"metadata are in buffer {index:,} of {buffers:,}")
    for group in root.tables(8):
        found.add(rule.BUFFER, f"it keeps weights in another file: {quoted(group.text(0))}")
    _look_at_signatures(root, graphs, found)


def _look_at_signatures(root: FlatTable, graphs: int, found: Found) -> None:
    for signature in root.tables(7):
        signature.text(2)
        for number in (0, 1):
            for entry in signature.tables(number):
                entry.text(0)
        if signature.number(4, "I") >= graphs:
            found.add(rule.DAMAGED, f"a signature is of graph {signature.number(4, 'I'):,} of {graphs}")


def _look_behind(data: Data, reach: int, file: Path, found: Found) -> None:
    """Look at what stands behind the last byte that the model refers to."""
    if _SOMETHING.search(data, reach):
        look_at_packed(file, data, reach, rule.APPENDED, found)

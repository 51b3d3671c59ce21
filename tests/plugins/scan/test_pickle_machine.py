"""The reader of pickles and archives on whatever bytes there are."""

from __future__ import annotations

import io
import pickle
import pickletools
import struct
import zipfile
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vetgate_scan import content, opcode
from vetgate_scan.allowed import Global, Standing, script_standing, standing
from vetgate_scan.follow import follow
from vetgate_scan.log import Log

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner, inner) | st.frozensets(st.text())
    ),
    max_leaves=20,
)


@settings(max_examples=100, deadline=None)
@given(PLAIN, st.integers(0, 5))
def test_a_pickle_of_plain_values_is_followed_to_its_end_without_a_finding(value: object, protocol: int) -> None:
    data = pickle.dumps(value, protocol)
    log = Log(len(data))
    followed = follow(memoryview(data), 0, log, "x")
    names = [str(name) for name in followed.imports]
    assert followed.stopped
    assert followed.end == len(data)
    # protocols below 3 write bytes and sets as calls
    assert set(names) <= {"_codecs.encode", "__builtin__.bytes", "__builtin__.frozenset", "builtins.frozenset"}
    assert log.findings == []


@settings(max_examples=100, deadline=None)
@given(PLAIN, st.integers(0, 5))
def test_instructions_are_told_apart_as_the_standard_library_does(value: object, protocol: int) -> None:
    data = pickle.dumps(value, protocol)
    ours: list[tuple[str, int]] = []
    place = 0
    while not ours or ours[-1][0] != "STOP":
        instruction = opcode.read(memoryview(data), place)
        ours.append((instruction.name, instruction.at))
        place = instruction.end
    assert ours == [(known.name, at) for known, _, at in pickletools.genops(data)]


def _archive() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("model/data.pkl", pickle.dumps({"a": [1, 2.0, "x"], "b": (None, True)}, 2))
        archive.writestr("model/data/0", bytes(100))
        archive.writestr("model/version", "3\n")
    return buffer.getvalue()


HEADS = (b"", b"\x80\x02", b"PK\x03\x04", b"\x1f\x8b", b"\x93NUMPY\x01\x00", b"BZh9")
SEEDS = (_archive(), pickle.dumps({"a": [1, 2.0, "x" * 300], "b": {1, 2}}, 4), pickle.dumps([{"k": "v"}] * 5, 0))


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(SEEDS), st.lists(st.tuples(st.integers(0, 2000), st.binary(min_size=1, max_size=4)), max_size=6))
def test_changed_bytes_end_in_an_answer(data: bytes, changes: list[tuple[int, bytes]]) -> None:
    changed = bytearray(data)
    for at, new in changes:
        changed[at % len(data) : at % len(data) + len(new)] = new
    content.read_content(memoryview(bytes(changed)), Log(len(changed)), "x")


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from((b"", b"\x80\x02", b"PK\x03\x04", b"\x1f\x8b", b"\x93NUMPY\x01\x00", b"BZh9")),
    st.binary(max_size=600),
)
def test_any_bytes_end_in_an_answer(head: bytes, rest: bytes) -> None:
    data = head + rest
    content.read_content(memoryview(data), Log(len(data)), "x")


@pytest.mark.parametrize(
    "name", ["os.system", "builtins.eval", "pip.main", "asyncio.unix_events.X", "torch.jit.load", "pathlib.Path.touch"]
)
@pytest.mark.parametrize("judge", [standing, script_standing])
def test_known_dangers_are_told_as_such(name: str, judge: Callable[[Global], Standing]) -> None:
    module, _, last = name.rpartition(".")
    assert judge(Global(module, last)) is Standing.DANGEROUS


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("torch", "storage.UntypedStorage"),
        ("torch", "float32.__class__"),
        ("collections", "OrderedDict.fromkeys"),
        ("collections.OrderedDict", "x"),
        ("torch ", "float32"),
        ("numpy", "ndarray.tofile"),
        ("torch", "FloatStorage.from_file"),
    ],
)
def test_a_name_is_allowed_only_as_checkpoints_write_it(module: str, name: str) -> None:
    assert standing(Global(module, name)) in (Standing.UNKNOWN, Standing.DANGEROUS)


def test_a_state_of_weights_only_loading_is_allowed_whole() -> None:
    allowed = pytest.importorskip("torch._weights_only_unpickler")._get_allowed_globals()
    for name in allowed:
        module, _, last = name.rpartition(".")
        assert standing(Global(module, last)) in (Standing.CALL, Standing.VALUE), name


def test_time_grows_with_the_number_of_instructions_and_memory_does_not_explode() -> None:
    deep = b"\x80\x02" + b"(" * 200_000 + b"N" + b"t" * 200_000 + b"."
    followed = follow(memoryview(deep), 0, Log(len(deep)), "x")
    assert followed.stopped
    wide = b"\x80\x02]" + b"q" + struct.pack("<B", 0) + b"(" + b"h\x00" * 200_000 + b"e."
    assert follow(memoryview(wide), 0, Log(len(wide)), "x").stopped

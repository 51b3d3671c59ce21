"""The filter is run here as the kernel runs it, on made-up calls of both processors."""

from __future__ import annotations

import errno
import struct

import pytest

from vetgate.inference.seccomp import MACHINES, program

PID = 4242
ALLOW, KILL, REFUSE, UNKNOWN, PRETEND = 0x7FFF0000, 0x80000000, 0x50000 | errno.EPERM, 0x50000 | errno.ENOSYS, 0x50000


def _judge(machine: str, number: int, *arguments: int, mark: int | None = None) -> int:
    """Return what the filter answers to one call."""
    known = MACHINES[machine]
    given = struct.pack("=iIQ6Q", number, mark or known.mark, 0, *(*arguments, *[0] * 6)[:6])
    code = [struct.unpack("=HBBI", item) for item in _pieces(program(known, PID))]
    accumulator, at = 0, 0
    while True:
        operation, true, false, value = code[at]
        at += 1
        if operation == 0x20:
            (accumulator,) = struct.unpack_from("=I", given, value)
        elif operation == 0x06:
            return int(value)
        else:
            held = {
                0x15: accumulator == value,
                0x25: accumulator > value,
                0x35: accumulator >= value,
                0x45: bool(accumulator & value),
            }[operation]
            at += true if held else false


def _pieces(code: bytes) -> list[bytes]:
    return [code[start : start + 8] for start in range(0, len(code), 8)]


@pytest.mark.parametrize(
    ("machine", "calls"),
    [
        ("x86_64", {"read": 0, "futex": 202, "openat": 257, "mmap": 9, "mlock": 149, "getpid": 39, "exit_group": 231}),
        ("aarch64", {"read": 63, "futex": 98, "openat": 56, "mmap": 222, "getpid": 172, "exit_group": 94}),
    ],
)
def test_what_a_runtime_does_all_day_is_let_through(machine: str, calls: dict[str, int]) -> None:
    assert {name: _judge(machine, number) for name, number in calls.items()} == dict.fromkeys(calls, ALLOW)


@pytest.mark.parametrize(
    ("machine", "calls"),
    [
        ("x86_64", (41, 42, 57, 58, 59, 322, 101, 425, 321, 323, 165, 304, 250, 319, 246, 175, 434, 310)),
        ("aarch64", (198, 203, 221, 281, 117, 425, 280, 282, 40, 265, 219, 279, 104, 105, 434, 270)),
    ],
)
def test_what_leads_outside_is_refused(machine: str, calls: tuple[int, ...]) -> None:
    assert {number: _judge(machine, number) for number in calls} == dict.fromkeys(calls, REFUSE)


@pytest.mark.parametrize(("machine", "clone"), [("x86_64", 56), ("aarch64", 220)])
def test_threads_may_be_started_and_processes_not(machine: str, clone: int) -> None:
    assert _judge(machine, clone, 0x00010000 | 0x100) == ALLOW
    assert _judge(machine, clone, 17) == REFUSE
    assert _judge(machine, 435) == UNKNOWN


@pytest.mark.parametrize(("machine", "kill"), [("x86_64", 62), ("aarch64", 129)])
def test_a_process_may_signal_itself_and_nobody_else(machine: str, kill: int) -> None:
    assert _judge(machine, kill, PID, 6) == ALLOW
    for other in (0, 1, PID + 1, 0xFFFFFFFF):
        assert _judge(machine, kill, other, 9) == REFUSE


def test_times_of_files_are_left_alone_and_a_file_that_is_not_there_is_still_missed() -> None:
    assert _judge("x86_64", 280, 0, 0x7F00, 0x7F10) == PRETEND
    assert _judge("x86_64", 280, 0, 0x7F00, 0) == REFUSE


def test_calls_of_another_processor_end_the_process() -> None:
    assert _judge("x86_64", 1, mark=0x40000003) == KILL
    assert _judge("x86_64", 0x40000000 | 41) == KILL
    assert _judge("aarch64", 1, mark=0x40000028) == KILL


def test_calls_that_are_newer_than_the_list_are_unknown() -> None:
    assert _judge("x86_64", 463) == UNKNOWN
    assert _judge("aarch64", 600) == UNKNOWN


def test_it_is_short_enough_for_the_kernel() -> None:
    assert all(len(program(machine, PID)) // 8 < 4096 for machine in MACHINES.values())

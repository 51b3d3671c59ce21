"""The filter of system calls that a child puts on itself: no network, no new programs, no hands on other processes.

Written by hand because the binding on PyPI loads a library of the system's (pyseccomp 0.1.2 of January 2021, its latest
release, wants libseccomp.so), while a filter is a list of 8-byte instructions. What is refused is listed and what is
newer than the list is refused as unknown to the kernel; an allow-list would break with the next release of a runtime.

Everything that changes nothing but a file's mode, owner or times is answered with success and not done: Landlock does
not cover it, and `shutil.copy` in a compressor must go on.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

_ALLOW: Final = 0x7FFF0000
_KILL: Final = 0x80000000
_ERRNO: Final = 0x00050000
_REFUSE: Final = _ERRNO | errno.EPERM
_UNKNOWN: Final = _ERRNO | errno.ENOSYS
_PRETEND: Final = _ERRNO

_LOAD, _JUMP_EQUAL, _JUMP_GREATER, _JUMP_AT_LEAST, _JUMP_ANY_BIT, _RETURN = 0x20, 0x15, 0x25, 0x35, 0x45, 0x06
_NUMBER, _MACHINE, _ARGUMENTS = 0, 4, 16
"""Offsets in `struct seccomp_data`."""

_HIGHEST: Final = 462
"""mseal, the last call of Linux 6.10; later ones answer ENOSYS, as they do on an older kernel."""
_X32: Final = 0x40000000
"""Calls of the x32 ABI share the machine's mark and have numbers of their own from here on."""
_CLONE_THREAD: Final = 0x00010000
_AF_UNIX: Final = 1

Numbers = Mapping[str, int]


@dataclass(frozen=True)
class Machine:
    """One processor family."""

    mark: int
    """AUDIT_ARCH_*."""
    column: int
    """Of the tables below."""
    x32: bool = False


MACHINES: Final[Mapping[str, Machine]] = {
    "x86_64": Machine(0xC000003E, 0, x32=True),
    "aarch64": Machine(0xC00000B7, 1),
    "arm64": Machine(0xC00000B7, 1),
}

_Rows = Mapping[str, tuple[int | None, int | None]]
"""Call -> its number on x86_64 and on aarch64; None where there is none."""

_REFUSED: Final[_Rows] = {
    # new programs and processes; threads come by clone with CLONE_THREAD
    "fork": (57, None),
    "vfork": (58, None),
    "execve": (59, 221),
    "execveat": (322, 281),
    "unshare": (272, 97),
    "setns": (308, 268),
    # network, and the sockets of daemons; the descriptor to the parent is there already
    "socket": (41, 198),
    "connect": (42, 203),
    "bind": (49, 200),
    "listen": (50, 201),
    "accept": (43, 202),
    "accept4": (288, 242),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    # other processes, their memory, their pace
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "process_madvise": (440, 440),
    "process_mrelease": (448, 448),
    "pidfd_open": (434, 434),
    "pidfd_getfd": (438, 438),
    "pidfd_send_signal": (424, 424),
    "kcmp": (312, 272),
    "tkill": (200, 130),
    "setpriority": (141, 140),
    "ioprio_set": (251, 30),
    "sched_setscheduler": (144, 119),
    "sched_setparam": (142, 118),
    "sched_setattr": (314, 274),
    "migrate_pages": (256, 238),
    "move_pages": (279, 239),
    # memory that no limit counts, or that outlives the process
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "shmget": (29, 194),
    "shmat": (30, 196),
    "semget": (64, 190),
    "msgget": (68, 186),
    "mq_open": (240, 180),
    # the kernel's less travelled roads
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "keyctl": (250, 219),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "open_by_handle_at": (304, 265),
    "name_to_handle_at": (303, 264),
    "fanotify_init": (300, 262),
    "lookup_dcookie": (212, 18),
    "personality": (135, 92),
    "modify_ldt": (154, None),
    "uselib": (134, None),
    "iopl": (172, None),
    "ioperm": (173, None),
    "syslog": (103, 116),
    "acct": (163, 89),
    "quotactl": (179, 60),
    "quotactl_fd": (443, 443),
    "vhangup": (153, 58),
    # times of files by the calls of old; see _choices for the one in use
    "utime": (132, None),
    "utimes": (235, None),
    "futimesat": (261, None),
    # mounts, devices, modules, clocks, names
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "mknod": (133, None),
    "mknodat": (259, 33),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "reboot": (169, 142),
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "settimeofday": (164, 170),
    "clock_settime": (227, 112),
    "clock_adjtime": (305, 266),
    "adjtimex": (159, 171),
    "sethostname": (170, 161),
    "setdomainname": (171, 162),
}

_PRETENDED: Final[_Rows] = {
    "chmod": (90, None),
    "fchmod": (91, 52),
    "fchmodat": (268, 53),
    "fchmodat2": (452, 452),
    "chown": (92, None),
    "lchown": (94, None),
    "fchown": (93, 55),
    "fchownat": (260, 54),
}

_WITHOUT_ATTRIBUTES: Final[_Rows] = {
    "setxattr": (188, 5),
    "lsetxattr": (189, 6),
    "fsetxattr": (190, 7),
    "removexattr": (197, 14),
    "lremovexattr": (198, 15),
    "fremovexattr": (199, 16),
}

_CLONE3: Final[_Rows] = {"clone3": (435, 435)}
"""Its flags stand in memory, where no filter can look; the C library falls back to clone."""


@dataclass(frozen=True)
class _Choice:
    """A call that depends on one of its arguments, of which the low 32 bits count."""

    numbers: tuple[int | None, int | None]
    argument: int
    values: tuple[int, ...]
    listed: int
    """What becomes of a call whose argument is one of the values."""
    other: int


def _choices(pid: int) -> Iterator[_Choice]:
    for numbers in ((62, 129), (234, 131), (129, 138), (297, 240)):  # kill, tgkill, rt_sigqueueinfo, rt_tgsigqueueinfo
        yield _Choice(numbers, 0, (pid,), _ALLOW, _REFUSE)
    for numbers in ((302, 261), (203, 122)):  # prlimit64, sched_setaffinity
        yield _Choice(numbers, 0, (0, pid), _ALLOW, _REFUSE)
    yield _Choice((53, 199), 0, (_AF_UNIX,), _ALLOW, _REFUSE)  # socketpair
    # prctl: signal at the parent's end (1), addresses of the process (35), who may trace it (Yama)
    yield _Choice((157, 167), 0, (1, 35, 0x59616D61), _REFUSE, _ALLOW)
    # fcntl F_SETOWN, F_SETSIG, F_SETOWN_EX: a signal to whomever one names
    yield _Choice((72, 25), 1, (8, 10, 15), _REFUSE, _ALLOW)
    # utimensat without times: `Path.touch` must hear of a failure, or it will not make the file; with, see above
    yield _Choice((280, 88), 2, (0,), _REFUSE, _PRETEND)
    # ioctl TIOCSTI, TIOCLINUX: typing into a terminal; FIOSETOWN, SIOCSPGRP: as above
    yield _Choice((16, 29), 1, (0x5412, 0x541C, 0x8901, 0x8902), _REFUSE, _ALLOW)


class _Writer:
    """Assembles instructions of the classic Berkeley packet filter."""

    def __init__(self) -> None:
        self.code: list[bytes] = []

    def put(self, code: int, value: int, true: int = 0, false: int = 0) -> None:
        self.code.append(struct.pack("=HBBI", code, true, false, value))

    def end(self, action: int) -> None:
        self.put(_RETURN, action)

    def when(self, number: int | None, action: int) -> None:
        """Answer one call with an action; none has no number here."""
        if number is not None:
            self.put(_JUMP_EQUAL, number, 0, 1)
            self.end(action)

    def choose(self, number: int | None, choice: _Choice) -> None:
        if number is None:
            return
        values = choice.values
        self.put(_JUMP_EQUAL, number, 0, 3 + len(values))
        self.put(_LOAD, _ARGUMENTS + 8 * choice.argument)
        for place, value in enumerate(values):
            self.put(_JUMP_EQUAL, value, len(values) - place, 0)
        self.end(choice.other)
        self.end(choice.listed)


def program(machine: Machine, pid: int) -> bytes:
    """Return the filter as the kernel takes it, 8 bytes an instruction.

    Args:
        machine: The processor family.
        pid: Of the process that the filter is for: the only one that it may signal.
    """
    writer, column = _Writer(), machine.column
    writer.put(_LOAD, _MACHINE)
    writer.put(_JUMP_EQUAL, machine.mark, 1, 0)
    writer.end(_KILL)
    writer.put(_LOAD, _NUMBER)
    if machine.x32:
        writer.put(_JUMP_AT_LEAST, _X32, 0, 1)
        writer.end(_KILL)
    writer.put(_JUMP_GREATER, _HIGHEST, 0, 1)
    writer.end(_UNKNOWN)
    for rows, action in (
        (_CLONE3, _UNKNOWN),
        (_REFUSED, _REFUSE),
        (_PRETENDED, _PRETEND),
        (_WITHOUT_ATTRIBUTES, _ERRNO | errno.EOPNOTSUPP),
    ):
        for numbers in rows.values():
            writer.when(numbers[column], action)
    for choice in _choices(pid):
        writer.choose(choice.numbers[column], choice)
    writer.put(_JUMP_EQUAL, (56, 220)[column], 0, 4)  # clone
    writer.put(_LOAD, _ARGUMENTS)
    writer.put(_JUMP_ANY_BIT, _CLONE_THREAD, 0, 1)
    writer.end(_ALLOW)
    writer.end(_REFUSE)
    writer.end(_ALLOW)
    return b"".join(writer.code)


_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP = 38, 22
_SET_FILTER = 1
_ALL_THREADS = 1
_KEEP_SPEED = 4
"""SECCOMP_FILTER_FLAG_SPEC_ALLOW: else kernels before 5.16 switch a mitigation on that slows down what is timed."""


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("code", ctypes.c_void_p))


def restrict() -> str:
    """Put the filter on this process, all of its threads, and all that they will ever start; return how.

    Raises:
        OSError: The kernel does not, or no filter is known for this processor.
    """
    machine = MACHINES.get(platform.machine())
    if machine is None:
        raise OSError(errno.ENOSYS, f"no filter of system calls is known for {platform.machine()}")
    libc = ctypes.CDLL(None, use_errno=True)
    code = program(machine, os.getpid())
    held = ctypes.create_string_buffer(code, len(code))
    argument = _Program(len(code) // 8, ctypes.cast(held, ctypes.c_void_p))
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "the kernel grants no no_new_privs")
    call = ctypes.c_long((317, 277)[machine.column])
    for flags in (_ALL_THREADS | _KEEP_SPEED, _ALL_THREADS):
        if libc.syscall(call, ctypes.c_long(_SET_FILTER), ctypes.c_long(flags), ctypes.byref(argument)) == 0:
            return "seccomp"
    raise OSError(ctypes.get_errno(), "the kernel takes no filter of system calls")

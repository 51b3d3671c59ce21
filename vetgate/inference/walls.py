"""The walls around a child: what it is to be held to, and putting them up from inside, before it reads anything.

All of them are for ordinary users, and none can be taken down again by the process inside. Namespaces were left out:
they shut off no more than the filter of system calls does, and the defaults of Ubuntu 24.04 (AppArmor) and Docker
(seccomp) keep ordinary users from what they would be needed for.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import struct
import sys
import sysconfig
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Annotated

from pydantic import Field

from vetgate.domain.record import Record
from vetgate.domain.wall import Wall
from vetgate.inference import landlock, seccomp

FILE_SIZE = 1 << 30
"""Bytes of one file that a child may write where it is granted no folder but its own."""
OPEN_FILES = 512
_PERSON = ("HOME", "USER", "LOGNAME", "TMPDIR")

_LIBRARIES = (
    *("/lib", "/lib32", "/lib64", "/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/libexec", "/usr/share"),
    *("/usr/local/lib", "/usr/local/lib64", "/usr/local/share", "/usr/local/cuda", "/nix/store", "/gnu/store"),
    *("/opt/cuda", "/opt/rocm", "/opt/intel", "/opt/nvidia"),
)
_SETTINGS = (
    *("/etc/ld.so.cache", "/etc/ld.so.preload", "/etc/localtime", "/etc/timezone", "/etc/os-release"),
    *("/etc/nsswitch.conf", "/etc/mime.types", "/etc/fonts", "/etc/ssl/openssl.cnf", "/etc/OpenCL"),
)
_MACHINE = (
    *("/proc/self", "/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/proc/version", "/proc/filesystems"),
    *("/proc/sys/vm", "/proc/sys/kernel/osrelease", "/proc/sys/kernel/pid_max", "/proc/sys/kernel/threads-max"),
    *("/sys/devices/system", "/sys/fs/cgroup", "/sys/kernel/mm", "/dev/zero", "/dev/full", "/dev/urandom"),
    "/dev/random",
)
_OF_PREFIX = ("lib", "lib32", "lib64", "share", "etc")
"""Of an interpreter's prefix, which may be /usr/local with somebody's work in it."""
_WRITABLE = ("/dev/null", "/proc/self/clear_refs")
_ACCELERATOR = ("/sys/devices", "/sys/bus/pci", "/sys/module", "/proc/driver/nvidia", "/proc/devices")
_DEVICES = ("nvidia*", "dri", "kfd", "accel")
_KEPT_CAPABILITIES = 0b110
"""CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH: root reads what belongs to others, within what Landlock leaves it."""


class Enclosure(Record):
    """What one child is held to."""

    own: str
    """Its private folder, which is its home and takes its temporary files."""
    reads: tuple[str, ...] = ()
    """Files and folders besides the interpreter, its libraries and plugins."""
    code: tuple[str, ...] = ()
    """Folders of code that the user named, which may have files beside it."""
    modules: tuple[str, ...] = ()
    """Folders of which modules alone may be read."""
    writes: tuple[str, ...] = ()
    """Folders."""
    memory: int | None = None
    """Bytes of private memory, or None for no limit."""
    processor_seconds: int | None = None
    """Of all its threads together, or None for no limit."""
    accelerators: bool = False
    """Whether it may use GPUs."""


class Enclosed(Record):
    """The child's first word: what stands around it."""

    walls: Annotated[tuple[Wall, ...], Field(min_length=1)]


def put_up(enclosure: Enclosure) -> tuple[Wall, ...]:
    """Hold this process to an enclosure for good; return which walls stand."""
    built: tuple[tuple[str, Callable[[Enclosure], str]], ...] = (
        ("environment", _environment),
        ("memory", _memory),
        ("time", _time),
        ("resources", _resources),
        ("files", _files),
        ("network", _network),
        ("processes", _processes),
    )
    return tuple(_wall(name, build, enclosure) for name, build in built)


def missing(walls: Iterable[Wall]) -> str:
    """Return the walls that do not stand, with why; empty where all do."""
    return "; ".join(f"{wall.name} ({wall.how})" for wall in walls if not wall.stood)


def _wall(name: str, build: Callable[[Enclosure], str], enclosure: Enclosure) -> Wall:
    try:
        return Wall(name=name, stood=True, how=build(enclosure))
    except (OSError, ValueError) as error:
        return Wall(name=name, stood=False, how=getattr(error, "strerror", None) or str(error))


def _environment(enclosure: Enclosure) -> str:
    strange = [name for name in _PERSON if name in os.environ and os.environ[name] not in (enclosure.own, "vetgate")]
    if strange:
        raise ValueError(f"{', '.join(strange)} lead outside")
    return f"{len(os.environ)} variables, a home of its own"


def _memory(enclosure: Enclosure) -> str:
    if enclosure.memory is None:
        return "not asked for"
    _require_linux()
    import resource

    _limit(resource.RLIMIT_DATA, enclosure.memory)
    return f"{enclosure.memory / 1e9:.3g} GB"


def _time(enclosure: Enclosure) -> str:
    import resource

    if enclosure.processor_seconds is not None:
        _limit(resource.RLIMIT_CPU, enclosure.processor_seconds)
        return f"wall clock; {enclosure.processor_seconds:,} s of processor time"
    return "wall clock"


def _resources(enclosure: Enclosure) -> str:
    import resource

    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_NOFILE, OPEN_FILES)
    told = f"{OPEN_FILES} open files, no core dumps"
    if enclosure.writes:
        return told
    _limit(resource.RLIMIT_FSIZE, FILE_SIZE)
    return f"{told}, files of {FILE_SIZE / 1e9:.3g} GB"


def _limit(which: int, most: int) -> None:
    import resource

    hard = resource.getrlimit(which)[1]
    value = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(which, (value, value))


def _files(enclosure: Enclosure) -> str:
    _require_linux()
    used = landlock.restrict(_grants(enclosure))
    try:
        os.listdir("/")  # noqa: PTH208  # of interest is that it fails
    except PermissionError:
        return f"Landlock ABI {used}"
    raise OSError(0, f"Landlock ABI {used} holds nothing back here")


def _network(_: Enclosure) -> str:
    _require_linux()
    _drop_capabilities()
    how = seccomp.restrict()
    import _socket

    try:
        _socket.socket().close()
    except PermissionError:
        return how
    raise OSError(0, "the filter of system calls holds nothing back here")


def _processes(_: Enclosure) -> str:
    """Make sure of it: the filter that keeps the network out stands already."""
    _require_linux()
    try:
        os.execv("/nowhere/to/be/found", ["nowhere"])  # noqa: S606  # of interest is how it fails
    except PermissionError:
        scoped = ", Landlock" if landlock.version() >= 6 else ""
        return f"seccomp{scoped}"
    except OSError as error:
        raise OSError(0, "no filter of system calls stands") from error


def _require_linux() -> None:
    if sys.platform != "linux":
        raise OSError(0, f"{sys.platform} offers none to ordinary users")


def _drop_capabilities() -> None:
    """Give up what root may do besides reading and writing files of others."""
    header = struct.pack("=Ii", 0x20080522, 0)
    kept = _KEPT_CAPABILITIES if os.geteuid() == 0 else 0
    ctypes.CDLL(None).capset(header, struct.pack("=6I", kept, kept, 0, 0, 0, 0))


def _grants(enclosure: Enclosure) -> Iterator[tuple[str | Path, int]]:
    """Yield what Landlock leaves: (path, rights)."""
    prefixes = {sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix}
    parts = [Path(prefix, part) for prefix in prefixes for part in _OF_PREFIX]
    schemes = [place for place in sysconfig.get_paths().values() if "lib" in place]
    read: tuple[str | Path, ...] = (*_LIBRARIES, *_SETTINGS, *_MACHINE, *parts, *schemes, *enclosure.reads)
    yield from ((place, landlock.READ) for place in read)
    libraries = [place for place in os.environ.get("LD_LIBRARY_PATH", "").split(":") if place.startswith("/")]
    for place in (*libraries, *_linked(), *sys.path, *_mapped(), *enclosure.code):
        yield from _importable(place)
    for place in enclosure.modules:
        yield from _modules(Path(place))
    for place in _WRITABLE:
        yield place, landlock.READ | landlock.WRITE_FILE | landlock.TRUNCATE
    for place in (enclosure.own, *enclosure.writes):
        yield place, landlock.WRITE
    if enclosure.accelerators:
        yield from _accelerators()


def _linked() -> Iterator[str]:
    """Yield the folders that the system's linker was told of besides, such as those of CUDA."""
    for file in (Path("/etc/ld.so.conf"), *Path("/etc/ld.so.conf.d").glob("*.conf")):
        with contextlib.suppress(OSError):
            lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
            yield from (line.strip() for line in lines if line.startswith("/"))


def _accelerators() -> Iterator[tuple[str | Path, int]]:
    yield from ((place, landlock.READ) for place in _ACCELERATOR)
    yield from ((place, landlock.DEVICE) for name in _DEVICES for place in Path("/dev").glob(name))


def _mapped() -> Iterator[str]:
    """Yield where setuptools' editable installs keep what is on no path."""
    for name, module in sys.modules.items():
        if name.startswith("__editable__"):
            yield from getattr(module, "MAPPING", {}).values()


def _importable(place: str) -> Iterator[tuple[Path, int]]:
    """Yield a folder that code is imported from; of one that holds the user's home, what can be imported alone."""
    folder = Path(place or ".").resolve()
    if _holds_home(folder):
        yield from _modules(folder)
    else:
        yield folder, landlock.READ


def _modules(folder: Path) -> Iterator[tuple[Path, int]]:
    """Yield what can be imported from a folder, and the right to list it, without which Python finds nothing there."""
    yield folder, landlock.READ_DIR
    for entry in folder.iterdir() if folder.is_dir() else ():
        if entry.suffix in (".py", ".so") or (entry / "__init__.py").is_file():
            yield entry, landlock.READ


def _holds_home(folder: Path) -> bool:
    """Return whether a folder is a home or above one."""
    import pwd

    try:
        homes = {Path(pwd.getpwuid(os.getuid()).pw_dir).resolve(), Path("/home"), Path("/root")}
    except KeyError:
        homes = {Path("/home"), Path("/root")}
    return any(home.is_relative_to(folder) for home in homes)

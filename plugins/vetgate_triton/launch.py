"""Starts a Triton Inference Server of one's own on loopback addresses, and ends it."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from vetgate.api import Inconclusive, UsageError

VARIABLE = "VETGATE_TRITON_SERVER"
_BOUND = (
    "import ctypes, os, signal, sys; ctypes.CDLL(None).prctl(1, signal.SIGKILL); os.execv(sys.argv[1], sys.argv[1:])"
)
"""Ends the server with the gate."""
_LAST = 400
_LOG = "server.log"
_STARTS = 3
"""A server that is ended by a signal of its own while it starts, as Triton is at times on a busy machine, or whose port
somebody else took meanwhile, is started again."""
_TAKEN = "already in use"
_NOISE = "CudaDriverHelper"
"""Triton's first complaint wherever there is no GPU."""
HOST = "127.0.0.1"


@dataclass(frozen=True)
class Installed:
    """A Triton Inference Server on this machine."""

    binary: Path
    backends: Path
    native: bool
    """Whether it runs ONNX itself."""
    libraries: Path | None = None
    programs: Path | None = None
    """Where the Python is that its Python backend starts."""
    stub: Path | None = None
    """The program that holds a Python model, where it does not lie beside the backend."""


@dataclass(frozen=True)
class Running:
    """A server that was started."""

    http: int
    """Port."""
    grpc: int
    process: subprocess.Popen[bytes]


def find_server(named: str | None) -> Installed:
    """Return the server that the user names.

    Args:
        named: A `tritonserver` program, or an environment of Python with the package nvidia-pytriton; None looks for
            `tritonserver` on the path.

    Raises:
        UsageError: There is none.
    """
    named = named or shutil.which("tritonserver")
    if named is None:
        raise UsageError(
            "no Triton server is named", hint=f"{VARIABLE}=/opt/tritonserver/bin/tritonserver, or see docs"
        )
    place = Path(named).resolve()
    if place.is_dir():
        return _of_environment(Path(named).absolute())
    if not place.is_file() or not os.access(place, os.X_OK):
        raise UsageError(f"{VARIABLE}: {named} is no program", hint="name tritonserver, or an environment with it")
    backends = place.parent.parent / "backends"
    return Installed(place, backends, native=(backends / "onnxruntime").is_dir())


def _of_environment(folder: Path) -> Installed:
    found = sorted(folder.glob("lib/python3.*/site-packages/pytriton/tritonserver/bin/tritonserver"))
    if not found:
        raise UsageError(f"{VARIABLE}: {folder} has no nvidia-pytriton in it", hint="see docs/triton.md")
    home = found[0].parent.parent
    site = home.parent.parent
    stub = home / "python_backend_stubs" / site.parent.name.removeprefix("python") / "triton_python_backend_stub"
    return Installed(found[0], home / "backends", False, site / "nvidia_pytriton.libs", folder / "bin", stub)


@contextmanager
def serving(
    installed: Installed, repository: Path, folder: Path, *, seconds: float = 60.0, name: str | None = None
) -> Iterator[Running]:
    """Yield a server that has loaded all models of a repository; it is ended afterwards.

    Args:
        installed: Which.
        repository: Of models.
        folder: Private, for what it needs and writes.
        seconds: Patience with its start.
        name: What it calls itself; None for one that no other server has, so that none is taken for it.

    Raises:
        Inconclusive: It does not start, or cannot load a model.
    """
    name = name or f"vetgate-{secrets.token_hex(8)}"
    for left in range(_STARTS - 1, -1, -1):
        with ExitStack() as stack:
            running = _start(installed, repository, folder, name)
            stack.callback(_end, running.process, folder)
            try:
                _await_ready(running, name, folder / _LOG, seconds)
            except Inconclusive:
                taken = _TAKEN in (folder / _LOG).read_text("utf-8", "replace")
                if left and ((running.process.poll() or 0) < 0 or taken):
                    continue
                raise
            yield running
            return


def _start(installed: Installed, repository: Path, folder: Path, name: str) -> Running:
    http, grpc = _free_ports(2)
    command = [*_command(installed, repository, folder, (http, grpc)), f"--id={name}"]
    with (folder / _LOG).open("wb") as words:
        process = subprocess.Popen(
            [sys.executable, "-I", "-c", _BOUND, *command],
            stdin=subprocess.DEVNULL,
            stdout=words,
            stderr=subprocess.STDOUT,
            env=_variables(installed, folder),
            cwd=folder,
            start_new_session=True,  # what it starts itself is ended with it
        )
    return Running(http, grpc, process)


def _command(installed: Installed, repository: Path, folder: Path, ports: tuple[int, int]) -> list[str]:
    backends = installed.backends if installed.stub is None else _with_stub(installed, folder)
    return [
        str(installed.binary),
        f"--model-repository={repository}",
        f"--backend-directory={backends}",
        f"--http-address={HOST}",
        f"--http-port={ports[0]}",
        f"--grpc-address={HOST}",
        f"--grpc-port={ports[1]}",
        "--allow-metrics=false",
        "--model-control-mode=explicit",
        "--load-model=*",
        "--disable-auto-complete-config",
        "--exit-timeout-secs=2",
        f"--backend-config=python,shm-region-prefix-name={regions(folder)}",
    ]


def regions(folder: Path) -> str:
    """Return how shared memory of this server is called: one that was killed leaves some that another would take."""
    return f"vetgate-{hashlib.sha256(str(folder).encode()).hexdigest()[:16]}-"


def _with_stub(installed: Installed, folder: Path) -> Path:
    """Copy the backends and put the stub beside the Python one, where it is looked for."""
    backends = folder / "backends"
    if not backends.exists():
        shutil.copytree(installed.backends, backends)
        shutil.copy(installed.stub or "", backends / "python" / "triton_python_backend_stub")
    return backends


def _variables(installed: Installed, folder: Path) -> dict[str, str]:
    """Return the few variables that a server is given: ours may hold secrets."""
    path = os.environ.get("PATH", os.defpath)
    variables = {"HOME": str(folder), "TMPDIR": str(folder), "PATH": path, "OMP_NUM_THREADS": "1"}
    if installed.programs is not None:
        variables["PATH"] = f"{installed.programs}:{path}"
        variables["VIRTUAL_ENV"] = str(installed.programs.parent)
    libraries = [str(installed.libraries)] if installed.libraries is not None else []
    libraries += [place for place in (os.environ.get("LD_LIBRARY_PATH"),) if place]
    return variables | ({"LD_LIBRARY_PATH": ":".join(libraries)} if libraries else {})


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        taken = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in taken:
            each.bind((HOST, 0))
        return [int(each.getsockname()[1]) for each in taken]


def _await_ready(running: Running, name: str, log: Path, seconds: float) -> None:
    process = running.process
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if process.poll() is not None:
            raise Inconclusive(f"the Triton server ended with exit code {process.returncode}: {_last(log)}")
        if _answers(running.http, "/v2/health/ready") is not None and _calls_itself(running.http) == name:
            return
        time.sleep(0.05)
    raise Inconclusive(f"the Triton server was not ready within {seconds:g} s: {_last(log)}")


def _answers(port: int, path: str) -> bytes | None:
    """Return what is answered, None where it is no good answer."""
    import http.client

    connection = http.client.HTTPConnection(HOST, port, timeout=2)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.read(_LAST * 10) if answer.status == 200 else None
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def _calls_itself(port: int) -> str:
    try:
        return str(json.loads(_answers(port, "/v2") or b"{}").get("name"))
    except (ValueError, AttributeError):
        return ""


def _last(log: Path) -> str:
    """Return why it could not load a model, or the last that it wrote."""
    lines = [line for line in log.read_text("utf-8", "replace").splitlines() if line.strip()]
    grave = [line for line in lines if (line.startswith("E") or "rror" in line) and _NOISE not in line]
    told = (grave or lines or ["it wrote nothing"])[0 if grave else -1]
    return "".join(sign if sign.isprintable() else " " for sign in told)[:_LAST]


def _end(process: subprocess.Popen[bytes], folder: Path) -> None:
    process.terminate()
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)  # who holds a model outlives a server that was killed at a bad moment
    for left in Path("/dev/shm").glob(f"{regions(folder)}*"):  # noqa: S108  # where POSIX keeps shared memory
        left.unlink(missing_ok=True)

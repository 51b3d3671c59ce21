"""One process of the fuzzer, atheris with libFuzzer's arguments; run.py starts it, again after each death.

An exception that a target may not raise is written down with the input that raised it, once for each place that it
comes from, and fuzzing goes on. What takes too long, takes too much memory or ends the process is libFuzzer's to tell.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import random
import sys
import traceback
import warnings
from contextlib import suppress
from pathlib import Path

import atheris

PACKAGES = [
    "vetgate", "vetgate_scan", "vetgate_onnx", "vetgate_litert", "vetgate_torch", "vetgate_reporters",
    "vetgate_runtime", "vetgate_executorch",
]  # fmt: skip

with atheris.instrument_imports(include=PACKAGES, enable_loader_override=False):
    from fuzz_mutation import STRUCTURED, Change, change_text
    from fuzz_targets import TARGETS

    from vetgate.domain.errors import VetgateError

    for seed in (b"", *(file.read_bytes() for file in sorted(Path(sys.argv[3]).glob("seed-*")))):
        with suppress(Exception):  # only what is imported here, when it is first needed, tells what it covers
            TARGETS[sys.argv[1]].run(seed)

TEXT = ("policy", "report", "card", "attestation", "statement")


def main() -> None:
    """Fuzz: `fuzz_engine.py TARGET NOTES libFuzzer-arguments...`."""
    name, notes = sys.argv[1], Path(sys.argv[2])
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    target, seen = TARGETS[name], set[str]()

    def one(data: bytes) -> None:
        try:
            target.run(data)
        except VetgateError:
            return
        except Exception as error:  # which is what is looked for
            _note(error, data, notes, seen)

    def mutate(data: bytes, most: int, seed: int) -> bytes:
        plain: Change = lambda content, limit, _: bytes(atheris.Mutate(content, limit))  # noqa: E731
        if name in STRUCTURED:
            return STRUCTURED[name](data, most, seed, plain)
        if name in TEXT and random.Random(seed).random() < 0.6:
            return change_text(data, most, seed)
        return plain(data, most, seed)

    atheris.Setup([sys.argv[0], *sys.argv[3:]], one, custom_mutator=mutate, internal_libfuzzer=True)
    atheris.Fuzz()


def _note(error: Exception, data: bytes, notes: Path, seen: set[str]) -> None:
    frames = traceback.extract_tb(error.__traceback__)
    own = next((frame for frame in reversed(frames) if "vetgate" in frame.filename), frames[-1])
    last = frames[-1]
    where = f"{type(error).__name__} at {own.filename}:{own.lineno} ({last.filename}:{last.lineno})"
    if where in seen:
        return
    seen.add(where)
    kept = notes.parent / f"crash-{hashlib.sha256(where.encode()).hexdigest()[:12]}"
    kept.write_bytes(data)
    with notes.open("a", encoding="utf-8") as file:
        told = {"where": where, "input": str(kept), "says": str(error)[:300], "trace": traceback.format_exc()[-3000:]}
        file.write(json.dumps(told) + os.linesep)


if __name__ == "__main__":
    main()

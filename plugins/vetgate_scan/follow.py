"""Follow a pickle's instructions without running them."""

from __future__ import annotations

from collections.abc import Callable

from vetgate_scan import pickle_rules as rules
from vetgate_scan.allowed import Global, Standing, standing
from vetgate_scan.log import Log
from vetgate_scan.machine import Followed, Machine
from vetgate_scan.opcode import CutOff, Malformed, read
from vetgate_scan.step import STEPS


def follow(
    data: memoryview,
    start: int,
    log: Log,
    where: str,
    judge: Callable[[Global], Standing] = standing,
    *,
    storages: bool = False,
) -> Followed:
    """Follow the pickle that begins at a byte to its STOP, noting what it does that checkpoints do not.

    Args:
        data: The file or member.
        start: The pickle's first byte.
        log: Takes what is found, and pays for the instructions.
        where: The file or member, for people.
        judge: Tells what may be done with a name.
        storages: Whether references to tensor storages are expected.
    """
    machine = Machine(log, where, judge, start=start, storages=storages)
    place = start
    try:
        while not machine.seen.stopped:
            instruction = read(data, place)
            machine.at, place = instruction.at, instruction.end
            log.opcodes -= 1
            if log.opcodes < 0:
                machine.found(rules.TOO_LONG, "it has more instructions than the scan follows")
                break
            STEPS[instruction.name](machine, instruction)
    except Malformed as error:
        machine.seen.is_cut_off = isinstance(error, CutOff)
        machine.found(rules.MALFORMED, f"the pickle cannot be read to its end: {error}")
    except (IndexError, ValueError):
        machine.found(rules.MALFORMED, "the pickle takes what is not on its stack, or an argument that is none")
    machine.seen.end = place
    return machine.seen

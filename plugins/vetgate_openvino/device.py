"""The device of OpenVINO that a model runs on; nothing heavy is imported to declare it."""

from __future__ import annotations

from collections.abc import Sequence

from vetgate.api import Card, CardError

CPU = "CPU"
ACCELERATORS = ("GPU", "GPU.0", "GPU.1", "NPU")
"""Devices that are no processor. Those that choose others by themselves (AUTO, HETERO) cannot be asked for."""


def asked_device(card: Card) -> str:
    """Return the device that the card asks for; the CPU where it asks for none."""
    return (card.execution.provider if card.execution is not None else None) or CPU


def require_there(device: str, there: Sequence[str], version: str) -> None:
    """Make sure that OpenVINO finds a device.

    Raises:
        CardError: It does not.
    """
    if not any(_is(device, found) for found in there):
        raise CardError(
            f"device {device} is asked for, and OpenVINO {version} finds {', '.join(there) or 'none'} here",
            hint="its driver is missing; ask for a provider that is there",
        )


def told_device(asked: str, running: Sequence[str]) -> str:
    """Return where a model runs, by the name that was asked for where that is the same device."""
    there = bool(running) and all(_is(asked, device) for device in running)
    return asked if there else ", ".join(running) or "unknown"


def _is(asked: str, device: str) -> bool:
    """Return whether a device is the one asked for: `GPU` is the first of several, `GPU.0`."""
    return device == asked or device == f"{asked}.0" or asked == f"{device}.0"

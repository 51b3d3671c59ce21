"""Print how often the gate is wrong, by the gate's own code; exit code 1 where more often than it says.

    python benchmarks/calibration fixed       every outcome of a fixed number of images, added up exactly
    python benchmarks/calibration sequential  simulated runs that stop early
    python benchmarks/calibration latency     simulated timing pairs through the collector's own loop
    python benchmarks/calibration opscore     coverage of OpScore's intervals
    python benchmarks/calibration all         all four, each with its defaults

A part with --help lists its own options.
"""

from __future__ import annotations

import argparse
import importlib
import sys

PARTS = ("fixed", "sequential", "latency", "opscore")


def held(part: str, arguments: list[str]) -> bool:
    """Run one part and return whether it held to its bound."""
    module = importlib.import_module(part)
    parser = argparse.ArgumentParser(
        prog=f"calibration {part}", description=module.__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    module.add_arguments(parser)
    return bool(module.run(parser.parse_args(arguments)))


def main(arguments: list[str]) -> int:
    """Return 0 if every part asked for held to its bound, 1 if not."""
    parser = argparse.ArgumentParser(
        prog="calibration", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("part", choices=(*PARTS, "all"))
    parser.add_argument("options", nargs=argparse.REMAINDER, help="of that part")
    asked = parser.parse_args(arguments)
    if asked.part != "all":
        results = {asked.part: held(asked.part, asked.options)}
    elif asked.options:
        parser.error("`all` takes no options; run the parts one by one")
    else:
        results = {part: held(part, []) for part in PARTS}
    for part, result in results.items():
        print(f"{part}: {'held' if result else 'NOT HELD'}")
    return 0 if all(results.values()) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

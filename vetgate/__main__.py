"""`python -m vetgate` and the `vetgate` command."""

import signal
import sys


def main() -> None:
    """Run the command line and end with its exit code; a CI that ends the job leaves as little behind as Ctrl-C."""
    from vetgate.cli import streams

    streams.prepare()
    from vetgate.cli.app import run

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()

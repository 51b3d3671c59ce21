"""Fuzz one target, or all of them in turn, for a number of seconds each; exits 1 where something was found.

    pip install 'vetgate[fuzz]'
    python benchmarks/fuzz/run.py --seconds 600 --target policy

What is found lies in the folder that --work names: `crash-*` are inputs that raised what no target may raise, and
`notes.jsonl` says where; `native-timeout-*` took over 10 s, `native-oom-*` over 2 GB, `native-crash-*` ended the
process. The corpus stays there too, and a later run goes on from it.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "parts"))

from fuzz_run import main

if __name__ == "__main__":
    sys.exit(main(__doc__))

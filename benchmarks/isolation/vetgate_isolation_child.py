"""The child of `run.py` as the gate starts children: a module, by its name."""

from __future__ import annotations

import runpy
from pathlib import Path

if __name__ == "__main__":
    runpy.run_path(str(Path(__file__).with_name("run.py")))["work"]("walled", 0)

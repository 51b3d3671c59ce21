"""Make docs/pictures/report*.png, pictures of a real report: `python .ci/report_picture.py`; needs chromium.

The example's distilled.onnx, which is as accurate as its reference and another function, is vetted by the policy `edge`
in the way that README shows, and parts of its HTML report are photographed at 1,280 pixels.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).parent.parent
PICTURES = ROOT / "docs" / "pictures"
WIDTH = 1280
PARTS = (("report.png", "", 1412), ("report-charts.png", "c1-charts", 1318), ("report-images.png", "c1-gallery", 450))
"""File, the only section that is shown (empty: all), and pixels of height."""
COLOURS = 256
LARGEST = 250_000
"""Bytes of a picture."""


def take(page: Path, shot: Path, section: str, height: int) -> Image.Image:
    """Return a photograph of a page, or of one of its sections."""
    if section:
        hidden = f"<style>header, .facts, section:not(#{section}) {{ display: none !important }}</style></head>"
        whole = page.read_text(encoding="utf-8")
        page = page.with_name(f"{section}.html")
        page.write_text(whole.replace("</head>", hidden, 1), encoding="utf-8")
    browser = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
    where = [f"--window-size={WIDTH},{height}", f"--screenshot={shot}", page.as_uri()]
    subprocess.run([*browser, *where], check=True, stderr=subprocess.DEVNULL)
    return Image.open(shot).convert("RGB").quantize(COLOURS)


with tempfile.TemporaryDirectory() as folder:
    page = Path(folder) / "report.html"
    check = ["vetgate", "check", "distilled.onnx", "--no-cache", "--report", f"html={page}"]
    done = subprocess.run(check, check=False, cwd=ROOT / "examples" / "fashion", stdout=subprocess.DEVNULL)
    if done.returncode != 1 or not page.exists():
        sys.exit(f"the example fails its policy with exit code 1, and this was {done.returncode}")
    for name, part, height in PARTS:
        take(page, Path(folder) / "shot.png", part, height).save(PICTURES / name, optimize=True)
sizes = {name: (PICTURES / name).stat().st_size for name, _, _ in PARTS}
sys.stdout.write("".join(f"{name}: {size:,} bytes\n" for name, size in sizes.items()))
if max(sizes.values()) > LARGEST:
    sys.exit(f"more than {LARGEST:,} bytes")

"""Make sure that the wheel holds every package, its typing marker and the policies, and nothing else.

wheel_contents.py [WHEEL]      without one it is built
"""

import subprocess
import sys
import tempfile
import tomllib
import zipfile
from pathlib import Path

ROOT = Path(__file__).parent.parent

project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
packages = {Path(path).name: ROOT / path for path in project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]}
with tempfile.TemporaryDirectory() as folder:
    if len(sys.argv) == 1:
        build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, str(ROOT)]
        subprocess.run(build, check=True, stdout=subprocess.DEVNULL)
    (wheel,) = map(Path, sys.argv[1:]) if len(sys.argv) > 1 else Path(folder).glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())

expected = {
    f"{name}/{file.relative_to(source).as_posix()}"
    for name, source in packages.items()
    for file in source.rglob("*")
    if file.is_file() and "__pycache__" not in file.parts
}
present = {name for name in names if ".dist-info/" not in name}
problems = [f"missing: {name}" for name in sorted(expected - present)]
problems += [f"not expected: {name}" for name in sorted(present - expected)]
values = project["project"]["entry-points"]["vetgate.v1"].values()
problems += [
    f"entry point without a module: {value}" for value in values if f"{value.replace('.', '/')}.py" not in present
]
problems += [f"missing: {name}" for name in ("vetgate/py.typed", "vetgate_policies/edge.yaml") if name not in present]
if problems:
    sys.exit("\n".join(problems))
sys.stdout.write(f"{wheel.name}: {len(present)} files of {len(packages)} packages\n")

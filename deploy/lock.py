"""Write requirements.lock: every dependency of a production install, pinned, with the hashes of its wheels.

    python deploy/lock.py        with Python 3.11 and pip, after a change of pyproject.toml or constraints.txt

pip resolves on this machine within constraints.txt; then it is asked for the same versions for the other PYTHONS.
torch is not in the lock: its CPU build is at PyTorch's own index, under other hashes (deploy/install.sh). Python 3.13
is not: Prefect needs another package there, which pip does not see from here. Nor are other machines than x86-64:
hdbscan has no wheels for them.
"""

import json
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
LOCK = Path(__file__).with_name("requirements.lock")
PYTHONS = ("3.11", "3.12")
MACHINE = "x86_64"
GLIBC = ("manylinux_2_28", "manylinux_2_27", "manylinux_2_26", "manylinux_2_24", "manylinux_2_17", "manylinux2014")
HEADER = """\
# Production dependencies of newsclust but torch, for Linux (x86-64, glibc 2.28 or newer) and Python {pythons}.
# Written by deploy/lock.py; installed by deploy/install.sh with --require-hashes.
"""


def main() -> None:
    """Resolve, collect the hashes of every platform, and write the lock file."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    within = ["-c", str(ROOT / "constraints.txt")]
    hashes = {pin: {sha256} for pin, sha256 in _found(*within, *project["dependencies"])}
    pins = [pin for pin in hashes if not pin.startswith("torch==")]
    for python in PYTHONS:
        platforms = [f"--platform={glibc}_{MACHINE}" for glibc in GLIBC]
        more = ["--no-deps", "--only-binary=:all:", "--target=none", f"--python-version={python}", *platforms]
        for pin, sha256 in _found(*more, *pins):
            hashes[pin].add(sha256)
    lines = [f"{pin} \\\n" + " \\\n".join(f"    --hash=sha256:{one}" for one in sorted(hashes[pin])) for pin in pins]
    header = HEADER.format(pythons=", ".join(PYTHONS))
    LOCK.write_text(header + "\n".join(sorted(lines)) + "\n", encoding="utf-8")


def _found(*arguments: str) -> list[tuple[str, str]]:
    """Return what pip would install, each as name==version and the SHA-256 of its file."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.json")
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed"]
        subprocess.run([*command, f"--report={report}", *arguments], cwd=folder, check=True)
        installed = json.loads(report.read_text(encoding="utf-8"))["install"]
    return [
        (
            f"{one['metadata']['name'].lower().replace('_', '-').replace('.', '-')}=={one['metadata']['version']}",
            one["download_info"]["archive_info"]["hashes"]["sha256"],
        )
        for one in installed
    ]


if __name__ == "__main__":
    main()

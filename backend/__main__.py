"""Set up Duologue in a folder of its own and run it: ``python3 backend demo`` or ``python3 backend test``.

Needs Python 3.11 or newer with pip, nothing else; installs into ``.venv`` beside this folder and never elsewhere. Runs
again in a second: what is installed is remembered by the digest of ``pyproject.toml``. Standard library only, because it runs
before anything is installed.
"""

from __future__ import annotations

import argparse
import hashlib
import subprocess
import sys
import venv
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
ENVIRONMENT = REPOSITORY / ".venv"
BINARIES = ENVIRONMENT / ("Scripts" if sys.platform == "win32" else "bin")
PYTHON = BINARIES / ("python.exe" if sys.platform == "win32" else "python")


def install(extra: str) -> None:
    """Make ``.venv`` if it isn't there and install Duologue with an extra (``demo`` or ``dev``) into it, editable."""
    stamp = ENVIRONMENT / f"duologue-{extra}"
    wanted = hashlib.sha256((REPOSITORY / "pyproject.toml").read_bytes()).hexdigest()
    if PYTHON.exists() and stamp.exists() and stamp.read_text() == wanted:
        return
    print(f"Installing Duologue into {ENVIRONMENT} (once; a few minutes, about 2 GB)", flush=True)
    if not PYTHON.exists():
        # Without pip inside: Debian's Python lacks ensurepip; this pip installs into the other environment.
        venv.create(ENVIRONMENT, with_pip=False, symlinks=sys.platform != "win32")
    pip = [sys.executable, "-P", "-m", "pip", "--python", str(PYTHON), "--disable-pip-version-check"]
    # pip itself as well: `duologue extension` fetches wheels with it, and people expect it in an environment.
    subprocess.run([*pip, "install", "--quiet", "pip", "--editable", f"{REPOSITORY}[{extra}]"], check=True)
    stamp.write_text(wanted)


def main() -> int:
    """Install what the command needs, run it with the arguments that follow, and return its exit code."""
    parser = argparse.ArgumentParser(prog="python3 backend", description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("command", choices=("demo", "test", "install"), help="install: only set up .venv")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help="passed on (demo: --out DIR …; test: pytest's own)")
    options = parser.parse_args()
    if sys.version_info < (3, 11):
        parser.error(f"Duologue needs Python 3.11 or newer; this is {sys.version.split()[0]}.")
    try:
        install("dev" if options.command == "test" else "demo")
    except subprocess.CalledProcessError as failure:
        print(f"Installing failed (pip's exit code {failure.returncode}); its own message is above.", file=sys.stderr)
        return 1
    if options.command == "install":
        print(f"Installed: {BINARIES / 'duologue'}")
        return 0
    module = ["pytest"] if options.command == "test" else ["duologue", "demo"]
    return subprocess.run([PYTHON, "-m", *module, *options.arguments], cwd=REPOSITORY, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())

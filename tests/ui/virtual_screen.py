# SPDX-License-Identifier: GPL-3.0-or-later
"""A real Blender with its real window on a machine without a screen: Debian's Blender in a folder of its own, drawn by Mesa.

It needs root (chroot, mount namespaces) and Linux. ``python tests/ui/virtual_screen.py prepare`` installs it once, about 2 GB
from Debian's mirror; tests use it from then on and skip with a reason where it is not there.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

SUITE = "sid"  # the Debian that has Blender 5.2
PLACES = (Path("/var/tmp/duologue-blender"), Path("/var/tmp/real-blender"))
MIRROR = "http://deb.debian.org/debian"  # where this machine's own apt names none
PACKAGES = (
    "blender", "python3-numpy", "python3-requests", "xvfb", "xauth", "libgl1-mesa-dri", "libegl1", "imagemagick",
)  # fmt: skip


@dataclass(frozen=True)
class VirtualScreen:
    """A folder that holds a Debian with Blender."""

    root: Path

    @classmethod
    def find(cls) -> VirtualScreen:
        """Return the one that is prepared here.

        Raises:
            LookupError: there is none, or it can't be used; the message says why and what to do.
        """
        if not sys.platform.startswith("linux"):
            raise LookupError("the virtual screen needs Linux")
        if os.geteuid() != 0:
            raise LookupError("the virtual screen needs root, for chroot and mounts")
        for tool in ("unshare", "chroot"):
            if shutil.which(tool) is None:
                raise LookupError(f"the virtual screen needs {tool}")
        for place in PLACES:
            if (place / SUITE / "usr/bin/blender").exists():
                return cls(place / SUITE)
        raise LookupError("no Blender is prepared here: python tests/ui/virtual_screen.py prepare")

    def run(
        self, arguments: list[str], *, size: tuple[int, int], share: list[Path], timeout: float, then: str = "true"
    ) -> str:
        """Run ``blender ARGUMENTS`` in a window of ``size`` that fills the screen; return what it printed.

        ``share``: folders of this machine that are visible inside at the same paths. ``then``: a shell command for when Blender
        is gone, while what it may have left behind still runs.
        """
        width, height = size
        screen = f"-screen 0 {width}x{height}x24 +extension GLX"
        blender = ["xvfb-run", "-a", "-s", screen, "sh", "-c", f'"$@"; {then}', "sh"]
        blender += ["blender", "-p", "0", "0", str(width), str(height), *arguments]
        command = [
            "unshare",
            "--mount",
            "--pid",
            "--fork",
            "--kill-child",
            sys.executable,
            __file__,
            "inside",
            str(self.root),
        ]
        ended = subprocess.run(
            [*command, os.pathsep.join(map(str, share)), *blender],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", timeout=timeout, check=False,
        )  # fmt: skip
        return ended.stdout


def enter(root: Path, share: list[Path], command: list[str]) -> None:
    """Become ``command`` inside ``root``. Called in a mount and process namespace of its own, which end with it."""

    def mount(*words: str) -> None:
        subprocess.run(["mount", *words], check=True)

    mount("--make-rprivate", "/")
    mount("-t", "proc", "proc", str(root / "proc"))
    mount("--rbind", "/dev", str(root / "dev"))
    mount("-t", "tmpfs", "tmpfs", str(root / "root"))  # a home without what an earlier run has installed
    for folder in share:
        inner = root / folder.relative_to("/")
        inner.mkdir(parents=True, exist_ok=True)
        mount("--rbind", str(folder), str(inner))
    os.chroot(root)
    os.chdir("/")
    environment = {
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": "/root",
        "LANG": "C.UTF-8",
        "LIBGL_ALWAYS_SOFTWARE": "1",
    }
    # Not as process 1 of the namespace: the X server tells no such parent that it is ready, and xvfb-run would wait for ever.
    os.execvpe("sh", ["sh", "-c", '"$@"; exit $?', "sh", *command], environment)


def mirror() -> str:
    """Return the Debian mirror that this machine's apt uses: behind a proxy no other may be reached."""
    for file in [*Path("/etc/apt/sources.list.d").glob("*.sources"), Path("/etc/apt/sources.list")]:
        found = (
            re.search(r"^(?:URIs:|deb(?: \[[^]]*\])?)\s*(\S+/debian/?)\s", file.read_text(), re.MULTILINE)
            if file.exists()
            else None
        )
        if found:
            return found[1]
    return MIRROR


def prepare() -> None:
    """Install Debian and Blender into the first of ``PLACES``."""
    root = PLACES[0] / SUITE
    if shutil.which("debootstrap") is None:
        raise SystemExit("install debootstrap first: apt-get install debootstrap")
    root.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(
        ["debootstrap", "--variant=minbase", "--include=ca-certificates", SUITE, str(root), mirror()], check=True
    )
    install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *PACKAGES]
    subprocess.run(["chroot", str(root), "env", "DEBIAN_FRONTEND=noninteractive", *install], check=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["inside"]:
        enter(Path(sys.argv[2]), [Path(part) for part in sys.argv[3].split(os.pathsep)], sys.argv[4:])
    elif sys.argv[1:] == ["prepare"]:
        prepare()
    elif sys.argv[1:] == ["find"]:
        try:
            print(VirtualScreen.find().root)
        except LookupError as missing:
            raise SystemExit(str(missing)) from None
    else:
        raise SystemExit(__doc__)

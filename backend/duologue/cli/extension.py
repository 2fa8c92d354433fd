"""``duologue extension``: the Blender extension as a zip."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from duologue.cli.console import out, print_json
from duologue.packaging.extension import PLATFORMS, build_extension


def extension(
    out_folder: Annotated[Path, typer.Option("--out", "-o", help="Folder for the zip.")] = Path("dist"),
    platform: Annotated[
        str, typer.Option(help=f"all, current (a quick build for this machine), or one of {', '.join(PLATFORMS)}.")
    ] = "all",
    as_json: Annotated[bool, typer.Option("--json", help="Print the zip's path as JSON.")] = False,
) -> None:
    """Build the Blender extension and have Blender validate it."""
    built = build_extension(out_folder, platform)
    if as_json:
        print_json({"zip": str(built), "bytes": built.stat().st_size})
        return
    out.print(
        f"{built} ({built.stat().st_size / 1e6:.1f} MB): in Blender, Preferences > Get Extensions > Install from Disk"
    )

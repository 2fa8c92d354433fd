"""``duologue serve``: a server for this machine, or with keys for others."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from duologue.cli.console import out


def serve(
    host: Annotated[
        str, typer.Option(help="Address to listen on. Others than this machine's own need keys.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes a free one.")] = 0,
    device: Annotated[list[str] | None, typer.Option(help="cpu, cuda:0, …; repeat it for a worker each.")] = None,
    connection_file: Annotated[
        Path | None, typer.Option(help="Where to write how to connect; for clients here.")
    ] = None,
    state: Annotated[Path | None, typer.Option(help="Folder for the journal, keys and what jobs need on disk.")] = None,
    new_client: Annotated[
        str | None, typer.Option(metavar="NAME", help="Make a key for a client on another machine, write it, and end.")
    ] = None,
    client_file: Annotated[
        Path | None, typer.Option(help="Where --new-client writes; NAME.duologue.json by default.")
    ] = None,
    performance: Annotated[
        str | None, typer.Option(help="Dotted name of the performance: package.module:Class.")
    ] = None,
    weights: Annotated[
        list[str] | None,
        typer.Option(metavar="BACKEND=FOLDER", help="Weights for pictures: wan-vace=/models/wan; may be repeated."),
    ] = None,
    with_parent: Annotated[bool, typer.Option(help="End when standard input ends.")] = False,
    verbose: Annotated[bool, typer.Option(help="Log more.")] = False,
) -> None:
    """Serve performances and pictures until Ctrl-C.

    On this machine nothing else is needed: clients find the server by its connection file. For clients elsewhere, make each a key
    first (``duologue serve --new-client anna --host render-1 --port 5555``), carry the file over, then serve with the same
    ``--port`` and ``--host 0.0.0.0``. All traffic is encrypted.
    """
    import logging

    from duologue.service import logs
    from duologue.service.auth import KeyStore
    from duologue.service.serve import run
    from duologue.service.settings import Settings, parse_weights
    from duologue.wire.connection import default_connection_file, state_folder

    state = state or state_folder()
    if new_client is not None:
        path = client_file or Path(f"{new_client}.duologue.json")
        KeyStore(state).new_client(new_client, f"tcp://{host}:{port}", path)
        out.print(
            f"Wrote {path}. It holds a secret key: carry it to the client's machine and keep it private.", markup=False
        )
        return
    logs.to_stderr(logging.DEBUG if verbose else logging.INFO)
    settings = Settings(
        state, host, port, tuple(device or ["auto"]), performance or Settings.performance, parse_weights(weights or [])
    )
    run(settings, connection_file or default_connection_file(), with_parent=with_parent)

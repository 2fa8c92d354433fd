"""``duologue evaluate patterns`` and ``named``: does somebody who knows no list see what is done?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from duologue.cli.console import out, print_json, stages


def patterns(
    clips: Annotated[Path, typer.Option(help="Folder of clips, as `dataset interactions` makes one.")],
    out_folder: Annotated[Path, typer.Option("--out", "-o", help="Folder of the videos; new or empty.")],
    checkpoint: Annotated[str, typer.Option("--video", help="A video checkpoint's name or folder.")] = "video",
    system: Annotated[
        str, typer.Option(help="Whose pictures: render, add, asym, carried, …; truth is the plain render.")
    ] = "render",
    split: Annotated[str, typer.Option(help="train, validation or test.")] = "test",
    steps: Annotated[int, typer.Option(min=1, max=50, help="Of the sampler.")] = 4,
    key: Annotated[
        Path | None, typer.Option(help="Where to keep which is which; OUT-key.json beside OUT by default.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the order.")] = 0,
    device: Annotated[str, typer.Option(help="cpu, cuda:0, …")] = "cpu",
) -> None:
    """Write a video of each of the 18 patterns without a word, for somebody to say what is done in it."""
    from duologue.checkpoints.devices import prepare
    from duologue.datasets.corpus.video import SPLITS, VideoCorpus
    from duologue.evaluation.video.examples import TRUTH, made, of_each_pattern
    from duologue.evaluation.video.naming import ASKED, QUESTION, write_set
    from duologue.evaluation.video.systems import systems_of
    from duologue.labels import check
    from duologue.video.pipeline import VideoPipeline

    check(split, SPLITS, field="--split")
    systems = systems_of(VideoPipeline.load(checkpoint, prepare(device)), steps)
    check(system, (TRUTH, *systems), field="--system")
    found = of_each_pattern(VideoCorpus.open(clips), split, ASKED)
    with stages() as progress:
        pictures = made(found, systems, (system,), progress.update)
    key = key or out_folder.parent / f"{out_folder.resolve().name}-key.json"
    videos = write_set({pattern: shown[system] for pattern, shown in pictures.items()}, out_folder, key, seed, system)
    out.print(f"{videos} videos in {out_folder}/, of {len(ASKED)} patterns. Ask: {QUESTION}", markup=False)
    out.print(
        f"The key is {key}: keep it from whoever answers. Then: duologue evaluate named {out_folder / 'answers.csv'} --key {key}",
        markup=False,
    )


def named(
    answers: Annotated[Path, typer.Argument(help="The table that `patterns` wrote, filled in.")],
    key: Annotated[Path, typer.Option(help="The key that `patterns` wrote.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the counts as JSON.")] = False,
) -> None:
    """Count in how many videos what is done was named, by word; the table shows every answer, to be judged by eye."""
    from duologue.evaluation.video.naming import count, read_key

    found = count(answers, read_key(key))
    if as_json:
        print_json(found)
        return
    table = Table("video", "pattern", "answer", "named")
    for name, row in found["videos"].items():
        table.add_row(name, row["pattern"], row["answer"], "yes" if row["named"] else "NO")
    out.print(table)
    out.print(f"{found['share']['count']} of {found['share']['of']} are named.", markup=False)

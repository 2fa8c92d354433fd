"""``duologue speak SCRIPT``: scratch voices read a page of dialogue into two sounds, their words and a brief."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from duologue.brief import Brief
from duologue.cli.console import out, print_json, stages

Cast = Annotated[str, typer.Option(help="Who is A and who is B: ANNA,BEN. Needed where more than two speak.")]
VoiceA = Annotated[
    str,
    typer.Option(
        help="soprano, mezzo, alto, tenor, baritone, bass; a Piper voice (NAME.onnx) or FILE.bin:VOICE of Kokoro."
    ),
]
VoiceB = Annotated[str, typer.Option(help="The same for B.")]
Language = Annotated[str, typer.Option(help="How the voices read: en-us, en-gb, es, fr-fr, hi, it, pt-br.")]
Relationship = Annotated[str, typer.Option(help="By default the script's title page says it (`Relationship: …`).")]


def speak(
    script: Annotated[Path, typer.Argument(help="A script: .fountain, or .txt with `ANNA: …` a line.")],
    out_folder: Annotated[
        Path, typer.Option("--out", "-o", help="Folder for the sounds; made if it isn't there.")
    ] = Path("speech"),
    cast: Cast = "",
    voice_a: VoiceA = "mezzo",
    voice_b: VoiceB = "baritone",
    language: Language = "en-us",
    relationship: Relationship = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print what was made on standard output.")] = False,
) -> None:
    """Speak a script with scratch voices: A.wav, B.wav, when each word and phone is said, and a brief to perform."""
    brief = spoken(script, out_folder, cast, (voice_a, voice_b), language, relationship)
    files = ["A.wav", "A.json", "B.wav", "B.json", "brief.json"]
    if as_json:
        print_json({"files": files, "notes": list(brief.notes)})
        return
    for note in brief.notes:
        out.print(f"Note: {note}", markup=False)
    out.print(
        f"Synthetic speech in {out_folder}/: {', '.join(files)}; next: duologue perform {out_folder}/brief.json",
        markup=False,
    )


def spoken(script: Path, folder: Path, cast: str, voices: tuple[str, str], language: str, relationship: str) -> Brief:
    """Speak a script into a folder and return its brief. Raises what reading and speaking it raise."""
    from duologue.script import read_script
    from duologue.voices.scene import speak_into

    names = [name for name in cast.split(",") if name.strip()]
    read = read_script(script, names)
    with stages() as progress:
        return speak_into(
            folder,
            read,
            voices,
            language,
            relationship,
            on_progress=lambda done, total: progress.update("speaking", done, total),
        )

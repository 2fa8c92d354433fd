# SPDX-License-Identifier: GPL-3.0-or-later
"""Every touch on every character to look at: `python tests/blender/touch_pictures.py OUT [--who ada] [--pattern poke-nose]`.

Solved and drawn by Blender as an animator has them: a layer above a take of two people who stand and sway, and skin that gives
way. Each character is with Ada, Ada with Ben. OUT gets a folder of frames for each touch (those that are there stay as they are),
sheets (PNG) with a line for each touch, moments from afar and from near, and `touches.json` with what fell short. `--film` makes
`touch.mp4` and `touch.webp` of what is in OUT: all characters beside each other, one pattern after the other. Needs bpy and
pillow, the film av; characters of the kit are drawn where it is.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "backend"), str(Path(__file__).resolve().parent)]

import bpy  # noqa: E402
import dressed_rigs  # noqa: E402
import kit_characters  # noqa: E402
import numpy as np  # noqa: E402
from duologue.brief import Interaction  # noqa: E402
from duologue.errors import DuologueError  # noqa: E402
from duologue.evaluation.contact.report import SECONDS, UNTIL  # noqa: E402
from duologue.evaluation.contact.standing import FRAMES, standing_take  # noqa: E402
from duologue.interactions.track import InteractionTrack, Touch  # noqa: E402
from duologue.labels import INTERACTIONS  # noqa: E402
from mathutils import Vector  # noqa: E402
from touch_film import TILE, Drawn, film, pages, wanted  # noqa: E402

from addon.cast import characters  # noqa: E402
from addon.cast.cast import Performer, cast  # noqa: E402
from addon.interactions import solving  # noqa: E402
from addon.scene import armatures  # noqa: E402
from addon.scene.axes import to_blender  # noqa: E402
from addon.takes.writer import write_take  # noqa: E402
from tools.characters.studio import Studio, View  # noqa: E402

FIRST = 1
STEP = 8
"""Every eighth frame is drawn."""
CLOSE = 3
"""Pictures from near, from the first moment of the touch to its last."""
FAR, NEAR = (2.2, 72.0), (0.9, 90.0)
"""Metres from what is looked at, and millimetres of the lens."""
_AZIMUTHS = (-75, -50, -25, 25, 50, 75)
"""Degrees from where the touched one faces."""
_SEEN = 0.025
"""Metres before a bone within which skin of the same limb is seen rather than something that hides it."""


def _sample(name: str) -> Callable:
    return lambda scene: characters.build(characters.sample_file(name), scene.collection).armature


WHO: dict[str, Callable] = {
    "ada": _sample("ada"),
    "ben": _sample("ben"),
    "mixamo": lambda scene: dressed_rigs.mixamo(scene)[0],
}
WHO_OF_THE_KIT: dict[str, Callable] = {
    "mpfb": lambda scene: kit_characters.mpfb(scene)[0],
    "rocketbox-woman": lambda _: kit_characters.rocketbox("Female_Adult_01")[0],
    "rocketbox-man": lambda _: kit_characters.rocketbox("Male_Adult_11")[0],
}


def everybody() -> dict[str, Callable]:
    return {**WHO, **(WHO_OF_THE_KIT if kit_characters.KIT.is_dir() else {})}


class Stage:
    """A character and a partner in a studio."""

    def __init__(self, who: str) -> None:
        bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
        self.studio = Studio(bpy.context.scene)
        self.studio.hurry()
        self.scene = self.studio.scene
        self.armatures = [everybody()[who](self.scene), _sample("ben" if who == "ada" else "ada")(self.scene)]
        self.scene.render.fps = 30  # an importer may have set another
        for material in bpy.data.materials:
            material.metallic, material.roughness = 0.0, 0.8
        bpy.context.view_layer.update()
        self.performers = [cast(name, armature) for name, armature in zip("AB", self.armatures, strict=True)]

    def draw(self, drawn: Drawn, folder: Path) -> dict:
        """Solve a touch and draw it; return what came of it."""
        told: dict = {"who": drawn.who, "pattern": drawn.pattern, "target": drawn.target}
        solving.remove(self.scene, self.armatures)
        write_take(standing_take(drawn.pattern), self.performers, FIRST, 30.0)
        asked = Interaction(drawn.pattern, "A", SECONDS, UNTIL, target="A" if drawn.target == "own" else "B")
        begun = time.process_time()
        try:
            solution = solving.at_once(
                self.scene,
                self.performers,
                solving.Asked((asked,), FIRST, FRAMES, yields=(float(drawn.target != "own"),)),
            )
        except DuologueError as error:
            return told | {"error": f"{error.reason}: {error}"}
        touch = solution.track.touches[0]
        solved = time.process_time() - begun
        folder.mkdir(parents=True, exist_ok=True)
        far, near = self._views(touch, solution.track)
        leaves, touches, releases, returns = (
            FIRST + round(30 * at) for at in (touch.leaves, touch.touches, touch.releases, touch.returns)
        )
        self.studio.film(far, (TILE, TILE), range(leaves, returns + 1, STEP), folder / "far_")
        held = range(touches, releases + 1, max((releases - touches) // (CLOSE - 1), 1))
        self.studio.film(near, (TILE, TILE), held, folder / "near_")
        return told | {
            "hand": touch.hand,
            "side": touch.side,
            "short": touch.short,
            "notes": touch.notes,
            "seconds": solved,
            "phases": [touch.leaves, touch.touches, touch.releases, touch.returns],
        }

    def _views(self, touch: Touch, track: InteractionTrack) -> tuple[View, View]:
        """Return a view of both from afar and one of the hand from near, each from where most of the touch is seen."""
        frame = round(30 * (touch.touches + touch.releases) / 2)
        self.scene.frame_set(FIRST + frame)
        point = track.points[frame - track.start, 0].astype(float)
        own, other = self.performers[0], self.performers["AB".index(touch.touched)]
        chest = _place(own, "Spine3", "Spine2", "Spine1")
        hand = _bones(own, touch.hand.title() + "Hand")
        facing = point - _place(other, "Head") if own is other else chest - point
        azimuth = math.degrees(math.atan2(facing[0], facing[2]))

        def best(middle: np.ndarray, distance: float, lens: float, elevation: float) -> View:
            views = [View(tuple(middle), distance, azimuth + turn, elevation, lens) for turn in _AZIMUTHS]
            return max(views, key=lambda view: self._seen(view, hand) + 2 * self._seen(view, point[None]))

        return best(chest + 0.6 * (point - chest), *FAR, 8), best(0.7 * point + 0.3 * np.mean(hand, axis=0), *NEAR, 4)

    def _seen(self, view: View, points: np.ndarray) -> float:
        """Return the share of points that nothing hides from a view."""
        graph = bpy.context.evaluated_depsgraph_get()
        begin = Vector(to_blender(view.eye).tolist())
        hidden = 0
        for point in points:
            ray = Vector(to_blender(point).tolist()) - begin
            hidden += self.scene.ray_cast(graph, begin, ray.normalized(), distance=ray.length - _SEEN)[0]
        return 1 - hidden / len(points)


def _bones(performer: Performer, prefix: str) -> np.ndarray:
    placed = armatures.world_pose(performer.armature, bpy.context.evaluated_depsgraph_get())
    joints = [joint for joint in performer.match.bones if joint.startswith(prefix)]
    return placed[[performer.bone_index(joint) for joint in joints], :3, 3]


def _place(performer: Performer, *joints: str) -> np.ndarray:
    joint = next(joint for joint in joints if joint in performer.match.bones)
    placed = armatures.world_pose(performer.armature, bpy.context.evaluated_depsgraph_get())
    return placed[performer.bone_index(joint), :3, 3]


def main(out: Path, who: Sequence[str], patterns: Sequence[str], targets: Sequence[str]) -> None:
    """Draw what is not there yet, and sheets of all of it."""
    told = _Told(out / "touches.json")
    for name in who:
        touches = wanted(name, patterns, targets)
        if todo := [one for one in touches if not one.folder(out).is_dir()]:
            stage = Stage(name)
            for one in todo:
                told.add(stage.draw(one, one.folder(out)))
        pages(out, name)


class _Told:
    """What came of each touch, kept in a file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows: list[dict] = json.loads(path.read_text()) if path.is_file() else []

    def add(self, row: dict) -> None:
        def known(row: dict) -> tuple:
            return row["who"], row["pattern"], row["target"]

        self.rows = [old for old in self.rows if known(old) != known(row)] + [row]
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(json.dumps(self.rows, indent=1))
        print(json.dumps(row), flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--who", action="append", choices=list(everybody()))
    parser.add_argument("--pattern", action="append", choices=INTERACTIONS)
    parser.add_argument("--target", action="append", choices=["own", "partner"])
    parser.add_argument("--film", type=Path, metavar="FOLDER", help="write touch.mp4 and touch.webp there")
    asked = parser.parse_args()
    main(asked.out, asked.who or list(everybody()), asked.pattern or INTERACTIONS, asked.target or ["own", "partner"])
    if asked.film:
        film(asked.out, asked.who or list(everybody()), asked.pattern or INTERACTIONS, asked.film)

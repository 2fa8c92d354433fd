"""Build the two sample characters, ada.safetensors and ben.safetensors of rigs/characters, or whoever is designed.

``python -m duologue.datasets.synthesis.characters.build`` writes the samples. No scan, no third-party mesh: everything is
computed by the modules beside this one. The same sources give the same bytes: positions are rounded to 10 micrometres, weights
to 1/255, and nothing random or timed enters the file. docs/pictures/characters*.png, by tools/characters/pictures.py, show it.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save

from duologue.arkit import NAMES
from duologue.datasets.synthesis.characters.body import build_body
from duologue.datasets.synthesis.characters.face_shapes import shapes_of
from duologue.datasets.synthesis.characters.features import Piece, brow, ear, eye, nostril, teeth, tongue
from duologue.datasets.synthesis.characters.fields import smoothstep
from duologue.datasets.synthesis.characters.head import HeadMesh, build_head
from duologue.datasets.synthesis.characters.people import PEOPLE, Person
from duologue.datasets.synthesis.characters.refine import refine
from duologue.datasets.synthesis.characters.skeletons import Joints, four_strongest
from duologue.files.folders import rigs_folder

FOLDER = rigs_folder() / "characters"

GRAIN = 1e-5  # metres


@dataclass
class Character:
    """All of a character's arrays, in our axes and metres."""

    positions: NDArray[np.float64]
    faces: NDArray[np.int64]
    face_material: list[str]
    weights: NDArray[np.float64]
    shapes: dict[str, NDArray[np.float64]]
    joints: Joints
    part: NDArray[np.int64]  # which piece each vertex came from
    parts: list[str]


def head_weights(joints: Joints, local: NDArray[np.float64]) -> NDArray[np.float64]:
    """Skull and jaw on Head, throat and nape over Neck1 and Neck down to the chest (head space, cm)."""
    u = local[:, 1] + 0.75 * (local[:, 2] + 1.0)
    head = smoothstep(-4.5, 2.5, u)
    upper = smoothstep(-9.0, -4.0, u) * (1 - head)
    chest = smoothstep(-7.0, -12.0, local[:, 1]) * (1 - head - upper)
    return joints.weights(Head=head, Neck1=upper, Spine3=chest, Neck=1 - head - upper - chest)


def head_pieces(person: Person, head: HeadMesh) -> list[Piece]:
    """Everything in head space."""
    front = float(head.points[head.lip_ring == 0][:, 2].max())
    pieces = [Piece("skin", head.points, head.faces, head.material)]
    for piece in eye(person.face):
        pieces += [piece, piece.mirrored(piece.kind.replace("Left", "Right"))]
    for piece in (brow(person.brow, head), ear(person.face), nostril(person.face, head)):
        pieces += [piece, piece.mirrored("skin")]
    pieces += [teeth(person.face, front, True), teeth(person.face, front, False), tongue(front), *person.hair()]
    for piece in pieces:
        if piece.kind == "hair":
            piece.drop(head.field(piece.points) < -0.55)
    return pieces


def assemble(person: Person) -> Character:
    """Build every piece and join them into one mesh."""
    joints = Joints(person.proportions)
    head = refine(build_head(person.face))
    scale = person.head_scale / 100
    crown = float(head.points[:, 1].max())
    origin = np.array([0.0, person.height - crown * scale, person.head_z])
    positions, faces, materials, weights, part, parts = [], [], [], [], [], []
    shapes = {name: [] for name in NAMES}
    count = 0

    def add(
        piece: Piece, points: NDArray[np.float64], skin: NDArray[np.float64], own: dict[str, NDArray[np.float64]]
    ) -> None:
        nonlocal count
        positions.append(points)
        faces.append(np.where(piece.faces < 0, -1, piece.faces + count))
        materials.extend(piece.material)
        weights.append(skin)
        part.append(np.full(len(points), len(parts)))
        parts.append(piece.kind)
        for name in NAMES:
            shapes[name].append(own.get(name, np.zeros_like(points)))
        count += len(points)

    for i, piece in enumerate(head_pieces(person, head)):
        skin = head_weights(joints, piece.points) if i == 0 else joints.rigid("Head", len(piece.points))
        own = {name: delta * scale for name, delta in shapes_of(piece, head, person.face).items()}
        add(piece, piece.points * scale + origin, skin, own)
    for piece, skin in build_body(joints, person.body):
        add(piece, piece.points, skin, {})
    return Character(
        np.concatenate(positions), np.concatenate(faces), materials, np.concatenate(weights),
        {name: np.concatenate(rows) for name, rows in shapes.items()}, joints, np.concatenate(part), parts,
    )  # fmt: skip


def encode(person: Person) -> bytes:
    """One character as the bytes of its safetensors file."""
    c = assemble(person)
    used = sorted(set(c.face_material))
    joints, joint_weights = four_strongest(c.weights)
    arrays = {
        "positions": (np.round(c.positions / GRAIN) * GRAIN).astype(np.float32),
        "faces": c.faces.astype(np.int32),
        "face_material": np.array([used.index(m) for m in c.face_material], np.uint8),
        "joints": joints,
        "joint_weights": joint_weights,
    }
    for name in NAMES:
        delta = np.round(c.shapes[name] / GRAIN) * GRAIN
        moved = np.flatnonzero((np.abs(delta) > 4 * GRAIN).any(1))
        arrays[f"shape/{name}/index"] = moved.astype(np.uint32)
        arrays[f"shape/{name}/delta"] = delta[moved].astype(np.float16)
    metadata = {
        "name": person.name,
        "height": person.height,
        "rig_map": "duologue",
        "bones": c.joints.bones(),
        "materials": [
            {"name": m, "color": list(person.colours[m][0]), "roughness": person.colours[m][1]} for m in used
        ],
    }
    return save(arrays, {"character": json.dumps(metadata, separators=(",", ":"))})


def main() -> None:
    """Write the files and say how big they are."""
    arguments = argparse.ArgumentParser(description="Build the sample characters.")
    arguments.add_argument("names", nargs="*", default=list(PEOPLE), help="which ones (all)")
    arguments.add_argument("--out", type=Path, default=FOLDER, help="folder to write to (rigs/characters)")
    wanted = arguments.parse_args()
    for name in wanted.names:
        data = encode(PEOPLE[name])
        path = wanted.out / f"{name}.safetensors"
        path.write_bytes(data)
        print(f"{path.name}: {len(data) / 1e6:.2f} MB")


if __name__ == "__main__":
    main()

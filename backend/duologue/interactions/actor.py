"""A character who touches or is touched: its rig and surface, and how it stands in each frame, as arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from duologue import arkit
from duologue.errors import invalid
from duologue.motion.rotations import Floats, einsum, quat_to_matrix
from duologue.motion.skeleton import Skeleton
from duologue.rigs.armature import Armature
from duologue.rigs.carried import orthonormal
from duologue.rigs.joints import SIDES, chain
from duologue.rigs.retarget import Retargeter
from duologue.rigs.rig_map import RigMatch
from duologue.rigs.samples import Sample
from duologue.rigs.skinned import SkinnedMesh
from duologue.take import Track

Array = Floats

UP: Final = np.array([0.0, 1.0, 0.0])


@dataclass(frozen=True, eq=False)
class Character:
    """What of a performer stays: B bones and one surface, at rest. Our axes, metres."""

    armature: Armature
    match: RigMatch
    mesh: SkinnedMesh
    points: Mapping[str, Array] = field(default_factory=dict[str, Array])
    """Landmark (``nose``, ``LeftCheek``) -> (3,) at rest, in our world: what a user has marked with Empties."""

    @classmethod
    def of(cls, sample: Sample) -> Character:
        """Return a sample character."""
        return cls(sample.armature, sample.match, sample.mesh)

    @cached_property
    def rest(self) -> Array:
        """(B, 4, 4): where bones rest, in our world.

        Raises:
            DuologueError: INVALID_ARGUMENT ``rig-rest``.
        """
        return self.armature.in_our_world()

    @cached_property
    def rest_turns(self) -> Array:
        """(B, 3, 3): how bones are turned at rest, in our world: rotations, whatever their rest pose is scaled or rounded by."""
        return orthonormal(self.rest[:, :3, :3])

    @cached_property
    def joint(self) -> dict[str, int]:
        """Joint word -> bone, of those that the rig has."""
        index = {name: bone for bone, name in enumerate(self.armature.names)}
        return {joint: index[bone] for joint, bone in self.match.bones.items() if bone in index}

    @cached_property
    def under(self) -> tuple[NDArray[np.int64], ...]:
        """Per bone all bones that hang on it, itself first, parents before children."""
        children: dict[int, list[int]] = {}
        for bone, parent in enumerate(self.armature.parents):
            children.setdefault(parent, []).append(bone)
        lists: list[NDArray[np.int64]] = []
        for bone in range(len(self.armature.names)):
            found = [bone]
            for one in found:
                found += children.get(one, [])
            lists.append(np.array(found, np.int64))
        return tuple(lists)

    def rest_point(self, joint: str) -> Array:
        """Return where a joint rests (3,)."""
        return self.rest[self.joint[joint], :3, 3]

    @cached_property
    def height(self) -> float:
        """From soles to crown, metres."""
        return float(np.ptp(self.mesh.vertices[:, 1]))

    @cached_property
    def left(self) -> Array:
        """(3,): unit, level, towards the body's left at rest."""
        across = (self.rest_point("LeftUpLeg") - self.rest_point("RightUpLeg")) * (1.0, 0.0, 1.0)
        return across / np.linalg.norm(across)

    @cached_property
    def ahead(self) -> Array:
        """(3,): unit, level, where the body faces at rest."""
        return np.cross(self.left, UP)

    @cached_property
    def head_bones(self) -> NDArray[np.int64]:
        """The head's bone and all that hang on it."""
        return self.under[self.joint["Head"]]

    @cached_property
    def head_weight(self) -> Array:
        """(V,): how much of each vertex the head moves."""
        return self.mesh.weight_of(self.head_bones)

    @cached_property
    def trunk_weight(self) -> Array:
        """(V,): how much of each vertex spine, collar bones and upper arms move."""
        sided = [side + part for side in SIDES for part in ("Shoulder", "Arm")]
        names = [*chain("Spine", self.joint), *chain("Neck", self.joint), *sided]
        return self.mesh.weight_of(np.array([self.joint[name] for name in names if name in self.joint]))

    @property
    def chest(self) -> str:
        """The joint word of the uppermost bone of the spine."""
        return chain("Spine", self.joint)[-1]

    def spine(self) -> list[int]:
        """Return the bones of the spine, lowest first, without those that hips or legs hang on, as on the lower half of a Rigify
        spine and the lowest bone of a Biped's: whoever leaned by such a one would swing their feet aside. Where all carry them,
        the uppermost."""
        lower = [self.joint[name] for name in ("Hips", *(side + "UpLeg" for side in SIDES)) if name in self.joint]
        bones = [self.joint[name] for name in chain("Spine", self.joint)]
        return [bone for bone in bones if not np.isin(lower, self.under[bone]).any()] or bones[-1:]

    def neck(self) -> list[int]:
        """Return the bones of neck and head, lowest first, without those that arms hang on, as a Biped's do: with such a neck
        both shoulders would turn."""
        arms = [self.joint[side + "Arm"] for side in SIDES if side + "Arm" in self.joint]
        bones = [self.joint[name] for name in [*chain("Neck", self.joint), "Head"]]
        return [bone for bone in bones if not np.isin(arms, self.under[bone]).any()]


class Pose:
    """T frames of a character's bones in the world, which can be turned: everything below a bone goes along."""

    def __init__(self, character: Character, turns: Array, heads: Array) -> None:
        """Take world rotations ``turns`` (T, B, 3, 3) and places ``heads`` (T, B, 3), metres."""
        self.character = character
        self.turns, self.heads = turns.copy(), heads.copy()
        self.changed: set[int] = set()

    def __len__(self) -> int:
        return len(self.turns)

    def copy(self) -> Pose:
        """Return a copy that can be turned by itself."""
        twin = Pose(self.character, self.turns, self.heads)
        twin.changed = set(self.changed)
        return twin

    def part(self, frames: slice) -> Pose:
        """Return a copy of a stretch of frames."""
        return Pose(self.character, self.turns[frames], self.heads[frames])

    def joint(self, name: str) -> Array:
        """Return where a joint is (T, 3)."""
        return self.heads[:, self.character.joint[name]]

    def turn_of(self, name: str) -> Array:
        """Return how far a joint's bone has turned away from its rest in the world (T, 3, 3)."""
        bone = self.character.joint[name]
        return self.turns[:, bone] @ self.character.rest_turns[bone].T

    def turn(self, bone: int, by: Floats) -> None:
        """Turn a bone and what hangs on it by world rotations ``by`` (T, 3, 3), about its head."""
        under = self.character.under[bone]
        self.changed.add(bone)
        pivot = self.heads[:, bone, None]
        self.heads[:, under] = pivot + einsum("tij,tnj->tni", by, self.heads[:, under] - pivot)
        self.turns[:, under] = by[:, None] @ self.turns[:, under]

    def set_turn(self, bone: int, turns: Floats) -> None:
        """Turn a bone, and what hangs on it, so that its world rotation is ``turns`` (T, 3, 3)."""
        self.turn(bone, turns @ np.swapaxes(self.turns[:, bone], -1, -2))
        self.turns[:, bone] = turns  # what it was off by a rotation would be twice as much each time

    def local(self, bone: int) -> Array:
        """Return a bone's rotation (T, 3, 3) in its parent's frame."""
        parent = self.character.armature.parents[bone]
        own = self.turns[:, bone]
        return own if parent < 0 else np.swapaxes(self.turns[:, parent], -1, -2) @ own

    def skinning(self) -> Array:
        """Return the matrices (T, B, 3, 4) that take rest vertices to where these bones have them."""
        placed = np.empty((*self.turns.shape[:2], 3, 4))
        placed[..., :3] = self.turns @ self.character.rest_turns.swapaxes(-1, -2)
        placed[..., 3] = self.heads - einsum("tbij,bj->tbi", placed[..., :3], self.character.rest[:, :3, 3])
        return placed


@dataclass(frozen=True, eq=False)
class Actor:
    """A character over T frames of a take, as it stands before anybody touches anything."""

    character: Character
    pose: Pose
    weights: Mapping[str, Array]
    """ARKit name -> (T,) what its face is at; only names that its mesh has shapes for count."""

    @classmethod
    def from_track(cls, character: Character, skeleton: Skeleton, track: Track) -> Actor:
        """Let a character play one performer's part of a take, by the same retargeting as everywhere.

        Raises:
            DuologueError: INVALID_ARGUMENT ``rig-incomplete``, ``rig-rest``.
        """
        sole = float(character.mesh.vertices[:, 1].min())
        played = Retargeter(skeleton, character.armature, character.match, sole=sole).apply(
            track.rotations, track.root_translation
        )
        names = {name: bone for bone, name in enumerate(character.armature.names)}
        moved = {names[name]: column for column, name in enumerate(played.bones)}
        turns, heads = _whole(
            character, moved, quat_to_matrix(played.world_turns), np.asarray(played.heads, np.float64)
        )
        weights = {name: track.weights[:, column].astype(np.float64) for column, name in enumerate(arkit.NAMES)}
        return cls(character, Pose(character, turns, heads), weights)

    @classmethod
    def from_matrices(cls, character: Character, matrices: Floats, weights: Mapping[str, Floats]) -> Actor:
        """Take bones from elsewhere, as Blender evaluates them.

        Args:
            character: whose bones they are.
            matrices: (T, B, 4, 4) of every bone in our world, metres.
            weights: ARKit name -> (T,).

        Raises:
            DuologueError: INVALID_ARGUMENT ``pose-shape`` for arrays that don't fit the character or hold NaN.
        """
        placed = np.asarray(matrices, np.float64)
        bones = len(character.armature.names)
        if placed.ndim != 4 or placed.shape[1:] != (bones, 4, 4) or not np.isfinite(placed).all():
            raise invalid("pose-shape", f"{bones} bones need finite matrices (T, {bones}, 4, 4), not {placed.shape}")
        turns = orthonormal(placed[..., :3, :3].reshape(-1, 3, 3)).reshape(*placed.shape[:2], 3, 3)
        return cls(
            character,
            Pose(character, turns, placed[..., :3, 3]),
            {name: np.asarray(values, np.float64) for name, values in weights.items()},
        )

    def __len__(self) -> int:
        return len(self.pose)

    def part(self, frames: slice) -> Actor:
        """Return a stretch of frames."""
        return Actor(
            self.character, self.pose.part(frames), {name: values[frames] for name, values in self.weights.items()}
        )


def _whole(character: Character, moved: Mapping[int, int], turns: Floats, heads: Array) -> tuple[Array, Array]:
    """Return rotations (T, B, 3, 3) and places (T, B, 3) of all bones, given those of the played ones: turns away from rest."""
    rest, frames = character.rest, len(heads)
    resting = character.rest_turns
    all_turns = np.empty((frames, len(rest), 3, 3))
    all_heads = np.empty((frames, len(rest), 3))
    for bone in _parents_first(character.armature.parents):
        carrier = bone
        while carrier >= 0 and carrier not in moved:
            carrier = character.armature.parents[carrier]
        if carrier < 0:
            all_turns[:, bone], all_heads[:, bone] = resting[bone], rest[bone, :3, 3]
            continue
        column = moved[carrier]
        all_turns[:, bone] = turns[:, column] @ resting[bone]
        reach = rest[bone, :3, 3] - rest[carrier, :3, 3]
        all_heads[:, bone] = heads[:, column] + turns[:, column] @ reach
    return all_turns, all_heads


def _parents_first(parents: Sequence[int]) -> list[int]:
    order: list[int] = []
    left = set(range(len(parents)))
    while left:
        ready = [bone for bone in sorted(left) if parents[bone] < 0 or parents[bone] not in left]
        order += ready
        left -= set(ready)
    return order


def has_fingers(character: Character, side: str) -> bool:
    """Whether a hand has an index finger and a thumb of three joints each, which every pattern of fingers needs."""
    needed = [f"{side}Hand{finger}{i}" for finger in ("Thumb", "Index") for i in (1, 2, 3)]
    return all(joint in character.joint for joint in needed)


def hands_of(character: Character) -> tuple[str, ...]:
    """Return the sides that have an arm with a hand: ``Left``, ``Right``."""
    return tuple(side for side in SIDES if all(side + part in character.joint for part in ("Arm", "ForeArm", "Hand")))


Scene = tuple[Actor, Actor]
"""A and B in one world, the same frames."""


def scene_of(characters: Sequence[Character], skeleton: Skeleton, tracks: Sequence[Track]) -> Scene:
    """Let two characters play a take: its skeleton and its two tracks."""
    a, b = (Actor.from_track(character, skeleton, track) for character, track in zip(characters, tracks, strict=True))
    return a, b

"""Joints that bones play by their names: words say which a bone may be, the hierarchy which it is."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, product

from duologue.rigs.bone_tree import BoneTree
from duologue.rigs.bone_words import BoneName
from duologue.rigs.joints import ARM, FINGERS, LEG, REQUIRED, SIDES, chain_names

_FEW = 4
"""Of bones that may play a joint, no more than the likeliest so many are weighed against each other."""


@dataclass(frozen=True)
class Named:
    """``bones``: joint -> bone; ``eyes``: ``LeftEye`` and ``RightEye`` -> bone."""

    bones: Mapping[str, int]
    eyes: Mapping[str, int]


def name_joints(names: Sequence[BoneName], tree: BoneTree, weighted: Collection[int] | None = None) -> Named:
    """Find the joints that an armature's names tell.

    Args:
        names: every bone's name, read.
        tree: the same bones.
        weighted: bones that move a mesh. Of two that may play a joint, such a one does; None: not known.
    """
    finder = _Finder(names, tree, frozenset(weighted or ()))
    bones: dict[str, int] = {}
    for side in SIDES:
        bones |= finder.limb(side, ARM) | finder.limb(side, LEG)
    bones |= finder.trunk(bones)
    for side in SIDES:
        bones |= finder.fingers(side)
    eyes = {side + "Eye": bone for side in SIDES if (bone := finder.best("Eye", side)) is not None}
    return Named(bones, eyes)


@dataclass(frozen=True)
class _Finder:
    names: Sequence[BoneName]
    tree: BoneTree
    weighted: frozenset[int]

    def worth(self, bone: int, role: str) -> float:
        """Return how much speaks for a bone as ``role``: a clear name, no other words, weights, a place high in the tree."""
        name = self.names[bone]
        clear = 3.0 if len(name.roles) == 1 else 2.0
        return (
            clear - 0.4 * name.extra + 0.6 * (bone in self.weighted) - 0.02 * len(self.tree.path(bone)) + _weight(role)
        )

    def candidates(self, role: str, side: str = "") -> list[int]:
        """Return the bones that may play a role, the likeliest first."""
        fitting = [
            bone
            for bone, name in enumerate(self.names)
            if role in name.roles and name.side == side and not name.palm and bone not in self.tree.left_out
        ]
        plain = [bone for bone in fitting if not self.names[bone].helper]
        if not plain and role == "Foot":  # a leg of which only FootIK carries the foot
            plain = [bone for bone in fitting if self.names[bone].for_ik]
        return sorted(plain, key=lambda bone: -self.worth(bone, role))

    def best(self, role: str, side: str = "") -> int | None:
        return next(iter(self.candidates(role, side)), None)

    def limb(self, side: str, roles: Sequence[str]) -> dict[str, int]:
        """Return an arm or a leg: the likeliest choice of bones in which none lies above one further in."""
        options = [[*self.candidates(role, side)[:_FEW], None] for role in roles]
        choice = max(product(*options), key=lambda bones: self._sum(bones, roles))
        return {side + role: bone for role, bone in zip(roles, choice, strict=True) if bone is not None}

    def _sum(self, bones: Sequence[int | None], roles: Sequence[str]) -> float:
        chosen = [(bone, role) for bone, role in zip(bones, roles, strict=True) if bone is not None]
        total = sum(self.worth(bone, role) for bone, role in chosen)
        for i, (inner, _) in enumerate(chosen):
            for outer, _ in chosen[i + 1 :]:
                if outer in self.tree.path(inner):
                    return -1.0
        return total + 0.5 * sum(inner in self.tree.path(outer) for (inner, _), (outer, _) in pairwise(chosen))

    def trunk(self, limbs: Mapping[str, int]) -> dict[str, int]:
        """Return hips, spine, neck and head, as far as they are named."""
        bones: dict[str, int] = {}
        head = self.best("Head")
        hips = self._hips(limbs, head)
        if hips is not None:
            bones["Hips"] = hips
        if head is not None:
            bones["Head"] = head
        if hips is not None and head is not None:
            arms = [limbs[side + "Arm"] for side in SIDES if side + "Arm" in limbs]
            bones |= spine_between(self.names, self.tree, hips, head, arms)
        return bones

    def _hips(self, limbs: Mapping[str, int], head: int | None) -> int | None:
        carried = [limbs[side + "UpLeg"] for side in SIDES if side + "UpLeg" in limbs]

        def rank(bone: int) -> float:
            legs = sum(bone in self.tree.path(leg) for leg in carried)
            trunk = head is not None and bone in self.tree.path(head)
            return 2 * legs + trunk + 0.2 * self.worth(bone, "Hips")

        if not (called := self.candidates("Hips")) and len(carried) == 2 and head is not None:
            meeting = self.tree.meet(*carried)  # Root_M, or whatever it is called that carries legs and trunk
            return meeting if meeting is not None and meeting in self.tree.path(head) else None
        return max(called, key=rank, default=None)

    def fingers(self, side: str) -> dict[str, int]:
        """Return the fingers of a hand that are called thumb, index, middle, ring and pinky."""
        bones: dict[str, int] = {}
        for finger in FINGERS:
            chain = [
                bone
                for bone, name in enumerate(self.names)
                if finger in name.roles
                and self._side(bone) == side
                and not name.helper
                and bone not in self.tree.left_out
            ]
            chain.sort(key=lambda bone: (len(self.tree.path(bone)), self.names[bone].number))
            palms = 0
            if finger != "Thumb":
                palms = sum(self.names[bone].palm for bone in chain)
                palms = palms or int(len(chain) > 3 and self.names[chain[0]].number == 0)
            if palms:
                bones[f"{side}Hand{finger}"] = chain[palms - 1]
            bones |= {f"{side}Hand{finger}{i + 1}": bone for i, bone in enumerate(chain[palms:][:3])}
        return bones

    def _side(self, bone: int) -> str:
        """Return a finger's side: its own or that of the arm it hangs on."""
        return next((self.names[b].side for b in reversed(self.tree.path(bone)) if self.names[b].side), "")


def _weight(role: str) -> float:
    """Return what a joint that nobody performs without counts more than others."""
    return 1.0 if any(side + role in REQUIRED for side in ("", *SIDES)) else 0.0


def spine_between(
    names: Sequence[BoneName], tree: BoneTree, hips: int, head: int, arms: Sequence[int]
) -> dict[str, int]:
    """Return spine and neck: what lies between the hips and the head, which need not hang on the hips.

    The spine ends where the arms branch off, or later where its own names go on; a rig whose hips hang *under* its torso
    (as game rigs with feet on the root do) has that for a spine.
    """
    above = tree.path(hips)
    between = [bone for bone in tree.path(head)[:-1] if bone not in above and not names[bone].helper]
    between = tree.apart([hips, *between])[1:] if hips in tree.path(head) else tree.apart(between)
    necks = [i for i, bone in enumerate(between) if "Neck" in names[bone].roles]
    backs = [i for i, bone in enumerate(between) if "Spine" in names[bone].roles]
    branch = [sum(bone in tree.path(arm) for bone in between) for arm in arms]
    end = min([max(max(backs, default=-1) + 1, min(branch, default=0)), *necks])
    spine, neck = between[:end], between[end:]
    if not spine:
        spine = [bone for bone in above[:-1] if "Spine" in names[bone].roles][-1:]
    bones = dict(zip(chain_names("Spine", len(spine)), spine, strict=True))
    return bones | dict(zip(chain_names("Neck", len(neck)), neck, strict=True))

"""Armatures of strangers: what their bones are called counts for more than where they are, and no animal is cast as a person.

The names are those of rigs met in public repositories; the places are generic. ``.L`` rows are mirrored.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from duologue.errors import DuologueError
from duologue.rigs.bone_words import plain_names, read_names
from duologue.rigs.recognise import Choice, recognise_rig, require_rig
from duologue.rigs.rig_map import RigMap

Row = tuple[str, str | None, tuple[float, float, float]]

TRUNK: list[Row] = [
    ("hips", None, (0, 0.95, 0)),
    ("spine", "hips", (0, 1.08, 0)),
    ("chest", "spine", (0, 1.22, 0)),
    ("neck", "chest", (0, 1.46, 0)),
    ("head", "neck", (0, 1.55, 0.01)),
]
ARM: list[Row] = [
    ("upper_arm.L", "chest", (0.17, 1.4, 0)),
    ("lower_arm.L", "upper_arm.L", (0.43, 1.4, 0)),
    ("hand.L", "lower_arm.L", (0.68, 1.4, 0)),
]
LEG: list[Row] = [
    ("upper_leg.L", "hips", (0.1, 0.92, 0)),
    ("lower_leg.L", "upper_leg.L", (0.1, 0.5, 0.01)),
    ("foot.L", "lower_leg.L", (0.1, 0.08, 0)),
]
TOE: list[Row] = [("toe.L", "foot.L", (0.1, 0.02, 0.12))]
ARM_PLACES = [(0.05, 1.4, 0), (0.17, 1.4, 0), (0.43, 1.4, 0), (0.68, 1.4, 0)]
LEG_PLACES = [(0.1, 0.92, 0), (0.1, 0.5, 0), (0.1, 0.08, 0), (0.1, 0.02, 0.1)]


def flipped(name: str | None) -> str | None:
    return name.replace(".L", ".R").replace("Left", "Right") if name else name


class Rig:
    """Names, parents and places of an armature, with the rows of its left side mirrored."""

    def __init__(self, *rows: Row) -> None:
        mirrored = [(flipped(n), flipped(p), (-x, y, z)) for n, p, (x, y, z) in rows if flipped(n) != n]
        every = [*rows, *mirrored]
        self.names = [str(name) for name, _, _ in every]
        self.parents = [self.names.index(str(parent)) if parent else -1 for _, parent, _ in every]
        self.heads = np.array([head for _, _, head in every], float)

    def match(self, **options: object):
        return require_rig(self.names, self.parents, self.heads, **options)  # type: ignore[arg-type]


def bones_of(match, *joints: str) -> list[str | None]:
    return [match.bones.get(joint) for joint in joints]


def test_without_toes_left_is_what_is_called_left():
    for turn in (1.0, -1.0):  # also for who looks backwards at rest, as VRM 0 does in Blender
        rig = Rig(*TRUNK, *ARM, *LEG)
        rig.heads *= (turn, 1, turn)
        match = rig.match()
        assert bones_of(match, "LeftArm", "LeftUpLeg", "RightFoot") == ["upper_arm.L", "upper_leg.L", "foot.R"]
        assert match.doubts == ()


def test_props_clothes_hair_and_wings_are_no_limbs():
    extras: list[Row] = [
        ("dress.L", "hips", (0.2, 0.9, 0)),
        ("dress2.L", "dress.L", (0.25, 0.45, 0)),
        ("dress3.L", "dress2.L", (0.3, 0.02, 0)),
        ("ponytail", "head", (0, 1.7, -0.1)),
        ("ponytail2", "ponytail", (0, 1.9, -0.2)),
        ("sword", "hand.R", (-0.8, 1.4, 0)),
        ("sword_tip", "sword", (-1.8, 1.4, 0)),
        ("wing.L", "chest", (0.1, 1.35, -0.1)),
        ("wing2.L", "wing.L", (0.8, 1.7, -0.2)),
        ("wing3.L", "wing2.L", (1.5, 1.4, -0.3)),
    ]
    plain, dressed = Rig(*TRUNK, *ARM, *LEG, *TOE).match(), Rig(*TRUNK, *ARM, *LEG, *TOE, *extras).match()
    assert dict(dressed.bones) == dict(plain.bones)
    assert bones_of(dressed, "Head", "RightHand", "LeftFoot") == ["head", "hand.R", "foot.L"]


def test_what_hangs_on_a_body_is_none_of_its_ends_where_only_the_shape_is_known():
    body = Rig(*TRUNK, *ARM, *LEG, *TOE)
    numbers = {name: f"joint{i}" for i, name in enumerate(body.names)}
    extras: list[Row] = [
        ("sword", "hand.R", (-0.8, 1.4, 0)),
        ("sword_tip", "sword", (-1.8, 1.4, 0)),
        ("hair", "head", (0, 1.9, 0)),
    ]
    rig = Rig(*TRUNK, *ARM, *LEG, *TOE, *extras)
    rig.names = [numbers.get(name, name) for name in rig.names]
    match = rig.match()
    assert bones_of(match, "RightHand", "Head") == [numbers["hand.R"], numbers["head"]]


def test_an_end_that_moves_no_mesh_is_no_hand():
    """A prop's place behind the hand, as game rigs have; nothing but the missing weights tells it."""
    rig = Rig(*TRUNK, *ARM, *LEG, *TOE, ("place.L", "hand.L", (1.4, 1.4, 0)), ("place_end.L", "place.L", (2.2, 1.4, 0)))
    numbers = [f"joint{i}" for i in range(len(rig.names))]
    weighted = [number for number, name in zip(numbers, rig.names, strict=True) if not name.startswith("place")]
    match = require_rig(numbers, rig.parents, rig.heads, weights=lambda: weighted)
    assert match.bones["LeftHand"] == numbers[rig.names.index("hand.L")]
    assert match.bones["LeftForeArm"] == numbers[rig.names.index("lower_arm.L")]


def test_the_arm_of_a_game_pack_ends_at_the_wrist_not_at_the_props_slot():
    arm: list[Row] = [
        ("upperarm.L", "chest", (0.21, 1.11, 0)),
        ("lowerarm.L", "upperarm.L", (0.45, 1.11, -0.01)),
        ("wrist.L", "lowerarm.L", (0.71, 1.11, 0)),
        ("hand.L", "wrist.L", (0.79, 1.11, 0)),
        ("handslot.L", "hand.L", (0.88, 1.05, 0)),
    ]
    match = Rig(*TRUNK, *arm, *LEG, *TOE).match()
    assert bones_of(match, "LeftShoulder", "LeftArm", "LeftForeArm") == [None, "upperarm.L", "lowerarm.L"]
    assert match.bones["LeftHand"] in ("wrist.L", "hand.L")


def test_hips_under_the_torso_and_feet_on_the_root():
    match = Rig(
        ("Body", None, (0, 0.39, 0)),
        ("Hips", "Body", (0, 0.39, 0)),
        ("Head", "Body", (0, 0.58, 0)),
        ("UpperArm.L", "Body", (0.13, 0.52, 0)),
        ("LowerArm.L", "UpperArm.L", (0.27, 0.52, 0)),
        ("UpperLeg.L", "Hips", (0.1, 0.32, 0)),
        ("LowerLeg.L", "UpperLeg.L", (0.1, 0.22, 0)),
        ("Foot.L", None, (0.1, 0.1, 0)),
        ("PoleTarget.L", None, (0.1, 0.2, 0.5)),
    ).match()
    assert bones_of(match, "Hips", "Spine", "Head", "LeftLeg", "LeftFoot") == [
        "Hips",
        "Body",
        "Head",
        "LowerLeg.L",
        "Foot.L",
    ]


def test_forearm_twist_bones_take_their_share_by_where_they_are():
    twists: list[Row] = [
        ("lower_arm_twist_01.L", "lower_arm.L", (0.6, 1.4, 0)),
        ("lower_arm_twist_02.L", "lower_arm.L", (0.5, 1.4, 0)),
        ("lower_arm_twist_00.L", "lower_arm.L", (0.43, 1.4, 0)),  # at the elbow: it turns with the forearm
        ("upper_arm_twist.L", "upper_arm.L", (0.3, 1.4, 0)),
    ]
    found = Rig(*TRUNK, *ARM, *LEG, *twists).match().rig_map.twists
    assert {(twist.bone, twist.side): twist.share for twist in found if twist.side == "Left"} == {
        ("lower_arm_twist_01.L", "Left"): pytest.approx(0.68),
        ("lower_arm_twist_02.L", "Left"): pytest.approx(0.28),
    }
    assert len(found) == 4


def test_a_foot_that_only_its_ik_bone_carries():
    feet: list[Row] = [("FootIK.L", None, (0.1, 0.08, 0)), ("PoleTarget.L", None, (0.1, 0.5, 0.6))]
    match = Rig(*TRUNK, *ARM, *LEG[:2], *feet).match()
    assert bones_of(match, "LeftLeg", "LeftFoot", "RightFoot") == ["lower_leg.L", "FootIK.L", "FootIK.R"]


def test_a_mitten_is_one_finger_behind_half_a_palm():
    hand: list[Row] = [
        ("Palm.L", "lower_arm.L", (0.68, 1.4, 0)),
        ("MiddleHand.L", "Palm.L", (0.74, 1.4, 0)),
        ("Fingers.L", "MiddleHand.L", (0.8, 1.4, 0)),
        ("Thumb1.L", "Palm.L", (0.7, 1.39, 0.04)),
    ]
    match = Rig(*TRUNK, *ARM[:2], *hand, *LEG).match()
    joints = ("LeftHand", "LeftHandMiddle1", "LeftHandMiddle2", "LeftHandThumb1")
    assert bones_of(match, *joints) == ["Palm.L", "Fingers.L", None, "Thumb1.L"]


def test_a_body_above_the_hips_goes_with_them():
    """A robot whose torso's mesh hangs on ``Body``, above its hips; it stood in the middle of the stage without a torso."""
    match = Rig(
        ("Bone", None, (0, 0, 0)),
        ("Body", "Bone", (0, 0.95, 0)),
        *[(n, "Body" if n == "hips" else p, h) for n, p, h in TRUNK],
        *ARM,
        *LEG,
    ).match()
    assert bones_of(match, "Hips", "Spine") == ["hips", "spine"]
    assert dict(match.rig_map.also) == {"Body": "Hips"}


def test_a_spine_beside_the_pelvis():
    rows: list[Row] = [
        ("root", None, (0, 0, 0)),
        ("pelvis", "root", (0, 0.95, 0)),
        ("spine", "root", (0, 1.05, 0)),
        *[(n, p, h) for n, p, h in TRUNK if n not in ("hips", "spine")],
        *ARM,
        *[(n, "pelvis" if p == "hips" else p, h) for n, p, h in LEG],
    ]
    match = Rig(*rows).match()
    assert bones_of(match, "Hips", "Spine", "Spine1", "Neck") == ["pelvis", "spine", "chest", "neck"]


def test_controls_for_ik_are_no_joints_though_they_are_called_so():
    helpers: list[Row] = [
        ("upper_arm_IK.L", "chest", (0.17, 1.4, 0)),
        ("lower_arm_IK.L", "upper_arm_IK.L", (0.43, 1.4, 0)),
        ("hand_IK.L", "lower_arm_IK.L", (0.68, 1.4, 0)),
        ("foot_IK.L", None, (0.1, 0.08, 0)),
        ("kneeIK.L", None, (0.1, 0.5, 0.6)),
        ("handIK_target.L", None, (0.9, 1.4, 0)),
        ("upper_arm_twist.L", "upper_arm.L", (0.3, 1.4, 0)),
    ]
    assert dict(Rig(*helpers, *TRUNK, *ARM, *LEG).match().bones) == dict(Rig(*TRUNK, *ARM, *LEG).match().bones)


@pytest.mark.parametrize(
    ("arm", "leg"),
    [
        ("shoulder arm elbow wrist", "leg knee ankle toe"),  # VRChat, after Cats
        ("Shoulder Arm ForeArm Hand", "UpLeg Leg Foot ToeBase"),
        ("clavicle uparm loarm hand", "thigh calf foot ball"),
        ("collar shoulder elbow wrist", "hip knee ankle foot"),
        ("clav arm1 arm2 hand", "leg1 leg2 foot toes"),
        ("shoulder_jnt upperArm_jnt lowerArm_jnt hand_jnt", "upperLeg_jnt lowerLeg_jnt foot_jnt toe_jnt"),
        ("ctl_clavicle ctl_upperarm ctl_forearm ctl_hand", "ctl_thigh ctl_shin ctl_foot ctl_toe"),
    ],
)
@pytest.mark.parametrize("sides", [("{}.L", "{}.R"), ("Left {}", "Right {}"), ("l_{}", "r_{}"), ("{}_L_01", "{}_R_01")])
def test_limbs_in_many_words_with_the_side_anywhere(arm: str, leg: str, sides: tuple[str, str]):
    """``arm`` is the upper arm above an elbow, ``leg`` the shin below a thigh, ``foot`` the toes below an ankle."""
    rows: list[Row] = [
        (f"ctl_{n}" if "ctl" in arm else n, f"ctl_{p}" if p and "ctl" in arm else p, h) for n, p, h in TRUNK
    ]
    hips, chest = rows[0][0], rows[2][0]
    for side, sign in zip(sides, (1, -1), strict=True):
        for parts, above, places in ((arm, chest, ARM_PLACES), (leg, hips, LEG_PLACES)):
            parent = above
            for part, (x, y, z) in zip(parts.split(), places, strict=True):
                rows.append((side.format(part), parent, (sign * x, y, z)))
                parent = side.format(part)
    rig = Rig()
    rig.names = [name for name, _, _ in rows]
    rig.parents = [rig.names.index(parent) if parent else -1 for _, parent, _ in rows]
    rig.heads = np.array([head for _, _, head in rows], float)
    match = rig.match()
    for side, word in zip(sides, ("Left", "Right"), strict=True):
        found = bones_of(match, *(word + part for part in ("Shoulder", "Arm", "ForeArm", "Hand")))
        assert found == [side.format(part) for part in arm.split()]
        found = bones_of(match, *(word + part for part in ("UpLeg", "Leg", "Foot", "ToeBase")))
        assert found == [side.format(part) for part in leg.split()]


def test_words_are_enough_without_places():
    rig = Rig(*TRUNK, *ARM, *LEG)
    assert dict(require_rig(rig.names, rig.parents).bones) == dict(rig.match().bones)


# What programs and games call their bones, from the root outwards; {L} and {Left} stand for either side. The last line: the
# bones of the left side that play arm, forearm, hand, thigh, shin and foot.
KINDS = {
    "Roblox R15": (
        "LowerTorso > UpperTorso > Head",
        "UpperTorso > {Left}UpperArm > {Left}LowerArm > {Left}Hand",
        "LowerTorso > {Left}UpperLeg > {Left}LowerLeg > {Left}Foot",
        "LeftUpperArm > LeftLowerArm > LeftHand > LeftUpperLeg > LeftLowerLeg > LeftFoot",
    ),
    "Synty": (
        "Root > Hips > Spine_01 > Spine_02 > Spine_03 > Neck > Head > Jaw",
        "Spine_03 > Clavicle_{L} > Shoulder_{L} > Elbow_{L} > Hand_{L} > Thumb_01_{L} > Thumb_02_{L}",
        "Hips > UpperLeg_{L} > LowerLeg_{L} > Ankle_{L} > Ball_{L} > Toes_{L}",
        "Shoulder_L > Elbow_L > Hand_L > UpperLeg_L > LowerLeg_L > Ankle_L",
    ),
    "Second Life": (
        "mPelvis > mTorso > mChest > mNeck > mHead > mSkull",
        "mChest > mCollar{Left} > mShoulder{Left} > mElbow{Left} > mWrist{Left}",
        "mPelvis > mHip{Left} > mKnee{Left} > mAnkle{Left} > mFoot{Left} > mToe{Left}",
        "mShoulderLeft > mElbowLeft > mWristLeft > mHipLeft > mKneeLeft > mAnkleLeft",
    ),
    "The Sims 4": (
        "b__ROOT__ > b__Pelvis__ > b__Spine0__ > b__Spine1__ > b__Neck__ > b__Head__",
        "b__Spine1__ > b__{L}_Clavicle__ > b__{L}_UpperArm__ > b__{L}_Forearm__ > b__{L}_Hand__",
        "b__Pelvis__ > b__{L}_Thigh__ > b__{L}_Calf__ > b__{L}_Foot__ > b__{L}_Toe__",
        "b__L_UpperArm__ > b__L_Forearm__ > b__L_Hand__ > b__L_Thigh__ > b__L_Calf__ > b__L_Foot__",
    ),
    "Xsens": (
        "Pelvis > L5 > L3 > T12 > T8 > Neck > Head",
        "T8 > {Left}Shoulder > {Left}UpperArm > {Left}ForeArm > {Left}Hand",
        "Pelvis > {Left}UpperLeg > {Left}LowerLeg > {Left}Foot > {Left}Toe",
        "LeftUpperArm > LeftForeArm > LeftHand > LeftUpperLeg > LeftLowerLeg > LeftFoot",
    ),
    "SMPL in FBX": (
        "m_avg_root > m_avg_Pelvis > m_avg_Spine1 > m_avg_Spine2 > m_avg_Neck > m_avg_Head",
        "m_avg_Spine2 > m_avg_{L}_Collar > m_avg_{L}_Shoulder > m_avg_{L}_Elbow > m_avg_{L}_Wrist > m_avg_{L}_Hand",
        "m_avg_Pelvis > m_avg_{L}_Hip > m_avg_{L}_Knee > m_avg_{L}_Ankle > m_avg_{L}_Foot",
        "m_avg_L_Shoulder > m_avg_L_Elbow > m_avg_L_Wrist > m_avg_L_Hip > m_avg_L_Knee > m_avg_L_Ankle",
    ),
    "GTA V": (
        "SKEL_ROOT > SKEL_Pelvis",
        "SKEL_ROOT > SKEL_Spine_Root > SKEL_Spine0 > SKEL_Spine1 > SKEL_Neck_1 > SKEL_Head",
        "SKEL_Spine1 > SKEL_{L}_Clavicle > SKEL_{L}_UpperArm > SKEL_{L}_Forearm > SKEL_{L}_Hand",
        "SKEL_Pelvis > SKEL_{L}_Thigh > SKEL_{L}_Calf > SKEL_{L}_Foot > SKEL_{L}_Toe0",
        "SKEL_L_UpperArm > SKEL_L_Forearm > SKEL_L_Hand > SKEL_L_Thigh > SKEL_L_Calf > SKEL_L_Foot",
    ),
    "Skyrim": (
        "NPC COM [COM ] > NPC Pelvis [Pelv]",
        "NPC COM [COM ] > NPC Spine > NPC Spine1 > NPC Spine2 > NPC Neck > NPC Head",
        "NPC Spine2 > NPC {L} Clavicle > NPC {L} UpperArm [{L}Uar] > NPC {L} Forearm [{L}Lar] > NPC {L} Hand [{L}Hnd]",
        "NPC Pelvis [Pelv] > NPC {L} Thigh [{L}Thg] > NPC {L} Calf [{L}Clf] > NPC {L} Foot [{L}ft ] > NPC {L} Toe0",
        "NPC L UpperArm [LUar] > NPC L Forearm [LLar] > NPC L Hand [LHnd] > "
        "NPC L Thigh [LThg] > NPC L Calf [LClf] > NPC L Foot [Lft ]",
    ),
    "a Biped of any name": (
        "Hero > Hero Pelvis > Hero Spine > Hero Spine1 > Hero Neck > Hero Head",
        "Hero Neck > Hero {L} Clavicle > Hero {L} UpperArm > Hero {L} Forearm > Hero {L} Hand",
        "Hero Spine > Hero {L} Thigh > Hero {L} Calf > Hero {L} Foot > Hero {L} Toe0",
        "Hero L UpperArm > Hero L Forearm > Hero L Hand > Hero L Thigh > Hero L Calf > Hero L Foot",
    ),
    "Rokoko": (
        "Hips > Spine1 > Spine2 > Spine3 > Spine4 > Neck > Head",
        "Spine4 > {Left}Shoulder > {Left}Arm > {Left}ForeArm > {Left}Hand",
        "Hips > {Left}Thigh > {Left}Shin > {Left}Foot > {Left}Toe",
        "LeftArm > LeftForeArm > LeftHand > LeftThigh > LeftShin > LeftFoot",
    ),
    "Advanced Skeleton": (
        "Root_M > Spine1_M > Spine1Part1_M > Chest_M > Neck_M > Head_M",
        "Chest_M > Scapula_{L} > Shoulder_{L} > Elbow_{L} > Wrist_{L}",
        "Root_M > Hip_{L} > Knee_{L} > Ankle_{L} > Toes_{L}",
        "Shoulder_L > Elbow_L > Wrist_L > Hip_L > Knee_L > Ankle_L",
    ),
    "sides and words in one": (
        "Hero_Hip > Hero_Ab > Hero_Chest > Hero_Neck > Hero_Head",
        "Hero_Chest > Hero_{L}Shoulder > Hero_{L}UArm > Hero_{L}FArm > Hero_{L}Hand",
        "Hero_Hip > Hero_{L}Thigh > Hero_{L}Shin > Hero_{L}Foot > Hero_{L}Toe",
        "Hero_LUArm > Hero_LFArm > Hero_LHand > Hero_LThigh > Hero_LShin > Hero_LFoot",
    ),
}


def armature_of(limbs: Sequence[str]) -> tuple[list[str], list[int]]:
    above: dict[str, str | None] = {}
    for limb in limbs:
        for letter, word in (("L", "Left"), ("R", "Right")):
            bones = limb.replace("{L}", letter).replace("{Left}", word).split(" > ")
            for bone, parent in zip(bones, (None, *bones), strict=False):
                above.setdefault(bone, parent)
    names = list(above)
    return names, [names.index(parent) if parent else -1 for parent in above.values()]


@pytest.mark.parametrize("kind", KINDS)
def test_kinds_of_rigs_without_a_map_are_told_by_their_words(kind: str):
    *limbs, expected = KINDS[kind]
    names, parents = armature_of(limbs)
    match = require_rig(names, parents)
    assert match.rig_map.name == "structure"
    left = bones_of(match, *("Left" + joint for joint in ("Arm", "ForeArm", "Hand", "UpLeg", "Leg", "Foot")))
    assert left == expected.split(" > ")
    assert match.bones["RightForeArm"] != match.bones["LeftForeArm"]
    assert {"Hips", "Spine", "Head"} <= set(match.bones)


def finger(name: str, across: float, count: int, first: str = "hand.L", start: float = 0.78) -> list[Row]:
    rows: list[Row] = []
    for i in range(count):
        rows.append((f"{name}{i + 1}.L", rows[-1][0] if rows else first, (start + 0.03 * i, 1.4, across)))
    return rows


THUMB: list[Row] = [("thumb1.L", "hand.L", (0.7, 1.39, 0.03)), ("thumb2.L", "thumb1.L", (0.72, 1.38, 0.06))]


def test_three_fingers_with_names_and_without():
    """A cartoon's hand: a thumb and two or three fingers of two bones each."""
    named = Rig(
        *TRUNK, *ARM, *LEG, *THUMB, *finger("index", 0.03, 2), *finger("middle", 0, 2), *finger("ring", -0.03, 2)
    )
    match = named.match()
    assert bones_of(match, "LeftHandThumb2", "LeftHandIndex1", "LeftHandRing2") == ["thumb2.L", "index1.L", "ring2.L"]
    numbered = Rig(
        *TRUNK,
        *ARM,
        *LEG,
        *THUMB,
        *finger("finger_c", -0.03, 2),
        *finger("finger_a", 0.03, 2),
        *finger("finger_b", 0, 2),
    )
    match = numbered.match()
    assert bones_of(match, "LeftHandThumb1", "LeftHandIndex1", "LeftHandMiddle2", "LeftHandRing1", "LeftHandPinky1") == [
        "thumb1.L", "finger_a1.L", "finger_b2.L", "finger_c1.L", None,
    ]  # fmt: skip


def test_metacarpals_are_the_palm():
    palm: list[Row] = [("index_metacarpal.L", "hand.L", (0.71, 1.4, 0.02))]
    fingers = [*finger("index", 0.03, 3, "index_metacarpal.L"), *finger("pinky", -0.03, 4, start=0.72)]
    match = Rig(*TRUNK, *ARM, *LEG, *palm, *fingers).match()
    assert bones_of(match, "LeftHandIndex", "LeftHandIndex1", "LeftHandIndex3") == [
        "index_metacarpal.L",
        "index1.L",
        "index3.L",
    ]
    assert bones_of(match, "LeftHandPinky", "LeftHandPinky1", "LeftHandPinky3") == [None, "pinky1.L", "pinky3.L"]


def test_a_hand_of_thumb_and_mitten_ends_the_arm_where_they_part():
    """By its shape alone: two chains leave the hand, and the arm is not measured to the mitten's tip."""
    rig = Rig(*TRUNK, *ARM, *LEG, *TOE, *THUMB, *finger("mitten", 0, 2))
    numbers = [f"joint{i}" for i in range(len(rig.names))]
    match = require_rig(numbers, rig.parents, rig.heads)
    assert [rig.names[numbers.index(match.bones["Left" + joint])] for joint in ("Arm", "ForeArm", "Hand")] == [
        "upper_arm.L", "lower_arm.L", "hand.L",
    ]  # fmt: skip


def test_eyes_are_found_by_name():
    eyes: list[Row] = [("eye.L", "head", (0.03, 1.62, 0.08)), ("eyelid.L", "head", (0.03, 1.63, 0.09))]
    assert dict(Rig(*TRUNK, *ARM, *LEG, *eyes).match().eyes) == {"LeftEye": "eye.L", "RightEye": "eye.R"}


def test_names_that_contradict_the_toes_win_and_are_doubted():
    rig = Rig(*TRUNK, *ARM, *LEG, ("toe.L", "foot.L", (0.1, 0.02, -0.12)))
    match = rig.match()
    assert match.bones["LeftFoot"] == "foot.L"
    assert [doubt.kind for doubt in match.doubts] == ["sides"]
    assert Rig(*TRUNK, *ARM, *LEG, *TOE).match().doubts == ()


def test_a_front_that_nothing_tells_is_a_guess_and_said():
    rig = Rig(*TRUNK, *ARM, *[(n, p, (x, y, 0)) for n, p, (x, y, _) in LEG])
    numbers = [f"joint{i}" for i in range(len(rig.names))]
    match = require_rig(numbers, rig.parents, rig.heads)
    assert match.bones["LeftFoot"] == numbers[rig.names.index("foot.L")]  # as if it looked at Blender's front view
    assert [doubt.kind for doubt in match.doubts] == ["front"]
    bent = Rig(
        *TRUNK, *ARM, *[(n, p, (x, y, -5 * z)) for n, p, (x, y, z) in LEG]
    )  # knees bend to where it looks: backwards
    match = require_rig(numbers, bent.parents, bent.heads)
    assert match.bones["LeftFoot"] == numbers[rig.names.index("foot.R")]
    assert match.doubts == ()


CAT: list[Row] = [
    ("spine", None, (0, 0.25, -0.2)),
    ("spine.001", "spine", (0, 0.27, -0.1)),
    ("spine.002", "spine.001", (0, 0.27, 0)),
    ("spine.003", "spine.002", (0, 0.27, 0.1)),
    ("spine.004", "spine.003", (0, 0.28, 0.2)),
    ("spine.006", "spine.004", (0, 0.34, 0.27)),
    ("upper_arm.L", "spine.003", (0.04, 0.22, 0.17)),
    ("forearm.L", "upper_arm.L", (0.04, 0.15, 0.13)),
    ("hand.L", "forearm.L", (0.04, 0.04, 0.15)),
    ("thigh.L", "spine", (0.04, 0.23, -0.18)),
    ("shin.L", "thigh.L", (0.04, 0.15, -0.13)),
    ("foot.L", "shin.L", (0.04, 0.08, -0.22)),
]


@pytest.mark.parametrize(
    "words", [{}, {"forearm.L": "lower_arm.L", "forearm.R": "lower_arm.R", "spine": "hips", "spine.006": "head"}]
)
def test_a_cat_is_no_person_though_its_bones_are_called_like_one_s(words: dict[str, str]):
    """Rigify's cat, by its map's names, and in other words."""
    cat = Rig(*CAT)
    cat.names = [words.get(name, name) for name in cat.names]
    with pytest.raises(DuologueError, match=r"'Tom'.*four legs") as error:
        cat.match(what="the armature 'Tom'")
    assert error.value.reason == "rig-not-human"
    assert not any(match.usable for match in recognise_rig(cat.names, cat.parents, cat.heads))


def test_who_chooses_the_map_by_name_has_said_that_it_is_a_person():
    cat = Rig(*CAT)
    assert cat.match(choice=Choice(map_name="rigify_metarig")).usable


@pytest.mark.parametrize("lean", [0.0, 0.7, 1.5708, -1.5708])
def test_a_person_who_leans_or_lies_at_rest_is_a_person(lean: float):
    rig = Rig(*TRUNK, *ARM, *LEG, *TOE)
    upper = rig.heads[:, 1] > 0.93 if lean == 0.7 else slice(None)
    turn = np.array([[1, 0, 0], [0, np.cos(lean), -np.sin(lean)], [0, np.sin(lean), np.cos(lean)]])
    rig.heads[upper] = (rig.heads[upper] - (0, 0.93, 0)) @ turn + (0, 0.93, 0)
    assert rig.match().usable
    assert rig.match().doubts == ()


def test_what_converters_append_to_all_names_is_left_out():
    names = ["Hips", "Spine", "Head", "LeftArm", "LeftForeArm", "LeftUpLeg", "LeftLeg"]
    assert plain_names([f"{name}.001" for name in names]) == {name: f"{name}.001" for name in names}
    assert plain_names([f"{name}_0{i}" for i, name in enumerate(names)]) == {
        name: f"{name}_0{i}" for i, name in enumerate(names)
    }
    ours = ["spine", *(f"spine.00{i}" for i in range(1, 7))]
    assert plain_names(ours) == {name: name for name in ours}
    numbered = [f"spine_0{i % 3}" for i in range(9)]
    assert set(plain_names(numbered)) == set(numbered)


@pytest.mark.parametrize("ending", [".001", "_{i:03}", "_0{i}_{i}"])
@pytest.mark.parametrize("prefix", ["mixamorig:", "Armature|mixamorig:", ""])
def test_numbers_behind_all_names_are_no_other_rig(prefix: str, ending: str):
    joints = [spellings[0] for spellings in RigMap.builtin("mixamo").joints.values()]
    names = [f"{prefix}{joint}{ending.format(i=i)}" for i, joint in enumerate(joints)]
    match = require_rig(names, [-1] * len(names))
    assert match.rig_map.name == "mixamo"
    assert match.bones["LeftForeArm"].startswith(f"{prefix}LeftForeArm")


@pytest.mark.parametrize(
    ("name", "roles", "side"),
    [
        ("upper_arm.L", ("Arm",), "Left"),
        ("LeftArmUpper", ("Arm",), "Left"),
        ("lThigh", ("UpLeg",), "Left"),
        ("rhand", ("Hand",), "Right"),
        ("RightUpperLegBone", ("UpLeg",), "Right"),
        ("arm", ("Arm", "ForeArm"), ""),
        ("HipsBone", ("Hips",), ""),
        ("Hip_R", ("UpLeg",), "Right"),
        ("UpperBody2", ("Spine",), ""),
        ("HandIndex1.L", ("Index",), "Left"),
        ("LeftHandMiddle1", ("Middle",), "Left"),
        ("MiddleHand.R", (), "Right"),
        ("Arm_L_Wrist", ("Hand",), "Left"),
        ("Leg_L_Foot_Toes", ("ToeBase",), "Left"),
        ("Spine_Middle", ("Spine",), ""),
        ("Lf_Knee", ("Leg",), "Left"),
        ("ClavicleRT_01", ("Shoulder",), "Right"),
    ],
)
def test_a_name_says_which_joints_it_may_be(name: str, roles: tuple[str, ...], side: str):
    (read,) = read_names([name])
    assert (read.roles, read.side, read.foreign or read.helper) == (roles, side, False)


@pytest.mark.parametrize(
    "name", ["handslot.l", "HairTail_L", "Weapon.R", "head_hair", "eyelid.L", "Skirt_L_01", "jaw_master"]
)
def test_what_a_body_wears_or_carries_is_named_so(name: str):
    assert read_names([name])[0].foreign


@pytest.mark.parametrize(
    "name", ["hand_ik.L", "IK-foot.l", "kneeIK.r", "upperarm_twist_01_l", "HeadTop_End", "PoleTarget.L"]
)
def test_what_moves_other_bones_is_named_so(name: str):
    assert read_names([name])[0].helper

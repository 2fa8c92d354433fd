"""What a bone's name says: which joints it may be, of which side, and what surely is none.

English as animators write it, in any spelling: ``upper_arm.L``, ``LeftArmUpper``, ``l_upperarm``, ``UpperArm_R_01``. Some words
stand for more than one joint (``arm`` is the upper arm beside a ``forearm``, and both in ``arm1``, ``arm2``); which of them is
meant only the hierarchy tells (``rigs.naming``).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from duologue.rigs.joints import FINGERS
from duologue.rigs.shape_words import words_of


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_JOINTS: Final[Mapping[str, str]] = {
    "Hips": "hips pelvis lowerbody lowertorso",
    "Spine": "spine chest upperchest torso uppertorso abdomen thorax ribcage ribs waist stomach trunk body upperbody back "
    "lowerback upperback midback lowerspine midspine upperspine backbone bust abs",
    "Neck": "neck",
    "Head": "head skull",
    "Shoulder": "clavicle clav collar collarbone scapula",
    "Shoulder Arm": "shoulder shld",
    "Arm": "upperarm uparm uarm armupper upparm bicep biceps humerus shldr upperlimb",
    "Arm ForeArm": "arm",
    "ForeArm": "forearm forarm foarm farm lowerarm loarm lowarm armlower elbow armfore",
    "Hand": "hand wrist",
    "UpLeg": "thigh upperleg upleg legupper upperlegs femur",
    "UpLeg Leg": "leg",
    "Leg": "shin calf lowerleg loleg lowleg leglower knee tibia",
    "Foot": "ankle",
    "Foot ToeBase": "foot feet",
    "ToeBase": "toe toes toebase ball toeball football",
    "Thumb": "thumb",
    "Index": "index indexfinger forefinger pointer",
    "Middle": "middle mid middlefinger midfinger fingers",
    "Ring": "ring ringfinger",
    "Pinky": "pinky pinkie little littlefinger pinkyfinger smallfinger",
    "Eye": "eye eyeball faceeye",
}
_ROLES: Final = {word: tuple(roles.split()) for roles, words in _JOINTS.items() for word in words.split()}
_LONGEST: Final = 3

_SIDES: Final = {"lf": "left", "lt": "left", "lft": "left", "rt": "right", "rgt": "right"}
_PALM: Final = _set("palm metacarpal metacarpals carpal meta middlehand midhand")

_NOISE: Final = _set(
    """
    bone jnt joint joints def deform skin bind b bn bip biped sk skel skeleton rig armature char character j c x cc base
    valve mixamorig center m stretch main
    """
)
"""Words that say nothing about which bone it is."""

_HELPERS: Final = _set(
    """
    ik pole target tgt goal ctrl ctl control controller twist roll tw helper hlp end nub tip dummy null offset aim tweak mch
    org vis driver drv corrective correction fix adj bulge flex scale parent master fake mirror volume shadow cancel heel
    pivot leaf top pad cap muscle rotate
    """
)
"""Words of bones that move others or go with them, and are no joint themselves."""

_FOREIGN: Final = _set(
    """
    hair bang bangs braid pigtail pony skirt dress cape cloak coat jacket cloth clothes scarf ribbon tie hat hood helmet
    mask glasses ear ears horn antenna antler tail wing wings feather fin sword blade gun rifle pistol weapon shield staff
    bow arrow prop props item slot socket holster pouch bag backpack belt buckle strap chain accessory breast breasts boob
    boobs butt glute belly pec pectoral nipple jaw teeth tooth tongue lip lips mouth brow eyebrow lid eyelid lash eyelash
    cheek nose nostril chin face forehead temple pupil iris whisker armor armour pauldron sleeve camera light collider hit
    bounds plinth attach attachment mount grip holder paw hoof claw fang
    """
)
"""Words of what a body carries or wears, and of faces: neither these bones nor what hangs on them is a joint."""

_FOREIGN_STEM: Final = re.compile(
    r"(hair|pony|skirt|dress|cape|cloak|wing|breast|sword|weapon).*|.*(slot|socket|weapon|hair)"
)
_HELPER_STEM: Final = re.compile(r".+(twist|ctrl|pole|nub)|(hand|foot|knee|elbow|heel|wrist|toe|arm|leg)ik|ik.+")

LIMBS: Final = {
    **dict.fromkeys(("Shoulder", "Arm", "ForeArm", "Hand"), "arm"),
    **dict.fromkeys(("UpLeg", "Leg", "Foot", "ToeBase"), "leg"),
    **dict.fromkeys(("Thumb", "Index", "Middle", "Ring", "Pinky"), "arm"),
    **dict.fromkeys(("Neck", "Head", "Eye"), "head"),
    **dict.fromkeys(("Hips", "Spine"), "trunk"),
}
"""Which part of the body a joint belongs to."""


@dataclass(frozen=True)
class BoneName:
    """One name read.

    ``roles``: joints without their side, or fingers; ``helper``: moves others or follows them, ``for_ik`` and ``twist`` say how;
    ``foreign``: worn, carried or of a face; ``extra``: how many words say neither this nor nothing.
    """

    roles: tuple[str, ...] = ()
    side: str = ""
    helper: bool = False
    foreign: bool = False
    for_ik: bool = False
    twist: bool = False
    palm: bool = False
    extra: int = 0
    number: int = -1

    @property
    def limb(self) -> str:
        """``arm``, ``leg``, ``head``, ``trunk``, or nothing."""
        return LIMBS[self.roles[0]] if self.roles else ""


def read_names(bone_names: Sequence[str]) -> list[BoneName]:
    """Read all names of one armature. Words that nearly all of them share (``ctl_…``) say nothing."""
    split = [words_of(name) for name in bone_names]
    # Where a rig of Rigify's has its mechanism, its DEF- bones only follow.
    mechanism = any(name.startswith(("ORG-", "MCH-")) for name in bone_names)
    follows = [mechanism and name.startswith("DEF-") for name in bone_names]
    counts = Counter(word for words, _ in split for word in set(words))
    shared = {word for word, count in counts.items() if len(bone_names) > 5 and count > 0.6 * len(bone_names)}
    read = [_read(words, side, shared) for words, side in split]
    return [replace(name, helper=True) if behind else name for name, behind in zip(read, follows, strict=True)]


def _read(words: Sequence[str], side: str, shared: Collection[str]) -> BoneName:
    number = next((int(word) for word in reversed(words) if word.isdigit()), -1)
    words = [word for word in words if not word.isdigit() and word not in shared]
    words = [word for word in words if word not in _NOISE]
    if not side:
        words, side = _glued_side(words)
    if words[-2:] in (["middle", "hand"], ["mid", "hand"]):
        words = [*words[:-2], "middlehand"]  # half the palm of a low-poly hand, not its middle finger
    start, end = _longest_known(words)
    roles = _ROLES.get("".join(words[start:end]), ())
    rest = [*words[:start], *words[end:]]
    if "".join(words[start:end]) == "hip" or (not roles and "hip" in words):
        roles, rest = (("UpLeg",) if side else ("Hips",)), [word for word in words if word != "hip"]
    palm = any(word in _PALM for word in rest)
    rest = [word for word in rest if word not in _PALM]
    if roles == ("Eye",) and (rest or not side):
        return BoneName(foreign=True)
    helper = any(word in _HELPERS or _HELPER_STEM.fullmatch(word) for word in rest)
    foreign = any(word in _FOREIGN or _FOREIGN_STEM.fullmatch(word) for word in rest)
    twist = any(word.endswith(("twist", "roll")) for word in rest)
    return BoneName(roles, side.capitalize(), helper, foreign, rest == ["ik"], twist, palm, len(rest), number)


def _longest_known(words: Sequence[str]) -> tuple[int, int]:
    """Return where in the words the longest one of ours stands, spelt in one word or more; nowhere is (0, 0).

    Of several that are as long, the last one says it (``Arm_L_Wrist``), unless it is but a finger's word that may mean a place as
    well (``Spine_Middle``) or the hand of a finger; and ``arm`` and ``leg`` are the vaguest.
    """
    for count in range(min(_LONGEST, len(words)), 0, -1):
        places = [(start, start + count) for start in range(len(words) - count + 1)]
        roles = {place: _ROLES.get("".join(words[slice(*place)]), ()) for place in places}
        roles |= {place: ("Hips",) for place in places if words[slice(*place)] == ["hip"]}
        if known := [place for place in places if roles[place]]:
            return max(known, key=lambda place: (_telling(roles[place], [roles[p] for p in known]), place))
    return 0, 0


def _telling(roles: Sequence[str], others: Sequence[Sequence[str]]) -> int:
    """Return how much a word with these roles says beside the other words of its name."""
    if roles[0] in FINGERS:
        return 2 if all(other[0] in (*FINGERS, "Hand") or len(other) > 1 for other in others) else 0
    return 1 if roles not in (_ROLES["arm"], _ROLES["leg"]) else 0


def _glued_side(words: Sequence[str]) -> tuple[list[str], str]:
    """Find a side that is written otherwise or together with a word: ``Lf_Hand``, ``leftarm``, ``lthigh``, ``LUArm``."""
    known = {*_ROLES, "hip"}
    for i, word in enumerate(words):
        if word in _SIDES:
            return [*words[:i], *words[i + 1 :]], _SIDES[word]
        if match := re.fullmatch(r"(left|right)(.+)", word):
            return [*words[:i], match[2], *words[i + 1 :]], match[1]
        if match := re.fullmatch(r"([lr])([uf]arm)", "".join(words[i : i + 2])):
            return [*words[:i], match[2], *words[i + 2 :]], "left" if match[1] == "l" else "right"
        for letter, stem in ((word[:1], word[1:]), (word[-1:], word[:-1])):
            if word not in known and letter in ("l", "r") and stem in known:
                return [*words[:i], stem, *words[i + 1 :]], "left" if letter == "l" else "right"
    return list(words), ""


def plain_names(bone_names: Sequence[str]) -> dict[str, str]:
    """Return name without what an importer put behind all of them -> the bone's own name.

    Blender writes ``.001`` behind names that are taken, Sketchfab and other converters a running number (``Hips_01``).
    """
    endings = [re.search(r"\.\d{3}$", name) for name in bone_names]
    numbers = [re.search(r"(_\d+)+$", name) for name in bone_names]
    found = numbers
    if _most(endings) and len({match[0] for match in endings if match}) == 1:
        found = endings
    elif not _most(numbers) or len({match[0] for match in numbers if match}) < 0.8 * len(bone_names):
        found = [None] * len(bone_names)
    plain = [name[: match.start()] if match else name for name, match in zip(bone_names, found, strict=True)]
    return dict(zip(reversed(plain), reversed(list(bone_names)), strict=True))


def _most(found: Sequence[object]) -> bool:
    return len(found) > 5 and sum(match is not None for match in found) >= 0.9 * len(found)

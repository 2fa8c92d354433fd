"""The 52 ARKit shapes of a head: brows, lids and cheeks here, the mouth's in mouth_shapes.py, and which piece each moves."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from duologue.datasets.synthesis.characters import mouth_shapes as mouth
from duologue.datasets.synthesis.characters.features import Piece
from duologue.datasets.synthesis.characters.fields import Points, smoothstep
from duologue.datasets.synthesis.characters.head import EYE_Y, MOUTH_Y, FaceDesign, HeadMesh
from duologue.datasets.synthesis.characters.skin import LINING_FOLLOWS, Array, Skin, jaw_motion

EYE_ANGLES = {"In": 32.0, "Out": 32.0, "Up": 24.0, "Down": 27.0}


def _brow_down(k: Skin) -> Points:
    g = (k.bump(2.6, 14.9, 1.9, 1.05) + 0.35 * k.bump(1.0, 14.6, 0.8, 0.9)) * k.half
    return k.slide(-0.18 * g, -0.52 * g, puff=0.12 * g)


def _brow_inner_up(k: Skin) -> Points:
    g = k.bump(1.4, 15.2, 1.25, 1.25) + k.bump(-1.4, 15.2, 1.25, 1.25)
    return k.slide(0 * g, 0.72 * np.minimum(g, 1.15), puff=0.05 * g)


def _brow_outer_up(k: Skin) -> Points:
    g = k.bump(4.0, 15.2, 1.35, 1.3) * k.half
    return k.slide(0.05 * g, 0.72 * g)


def _lids(k: Skin, upper: float, lower: float, dx: float = 0.0) -> Points:
    """Move the lids' edges by fractions of the way to where they meet; the skin up to the brow follows."""
    out = np.zeros_like(k.p)
    mine = (k.lid_side == k.side) & ~np.isnan(k.lid_ring)
    edge = np.flatnonzero(mine & (k.lid_ring == 0))
    if not len(edge):
        return out
    order = edge[np.argsort(k.lid_angle[edge])]
    n = len(order)
    pair = order[(-np.arange(n)) % n]
    is_upper = np.sin(k.lid_angle[order]) > 1e-9
    is_lower = np.sin(k.lid_angle[order]) < -1e-9
    top = np.where(is_upper[:, None], k.p[order], k.p[pair])[:, :2]
    low = np.where(is_upper[:, None], k.p[pair], k.p[order])[:, :2]
    meet = low + 0.27 * (top - low)
    share = np.where(is_upper, upper, np.where(is_lower, lower, 0.0))
    step = (meet - k.p[order, :2]) * share[:, None]
    step[:, 0] += dx * k.side
    steps = {round(float(a), 6): step[i] for i, a in enumerate(k.lid_angle[order])}
    eye = np.array([k.side * k.design.eye_x, EYE_Y, k.design.eye_z])
    edge_at = {round(float(a), 6): k.p[order[i]] for i, a in enumerate(k.lid_angle[order])}
    for i in np.flatnonzero(mine & (k.lid_ring < 7)):  # the outermost ring stays
        key = round(float(k.lid_angle[i]), 6)
        move, ring = steps[key], k.lid_ring[i]
        if ring >= 0:
            xy = move * (1 - ring / 7.0) ** 1.15
            out[i, :2] = xy
            h = k.head.height
            out[i, 2] = h(k.p[i, 0] + xy[0], k.p[i, 1] + xy[1]) - h(k.p[i, 0], k.p[i, 1])
        else:
            goal = edge_at[key].copy()
            goal[:2] += move
            goal[2] = k.head.height(goal[0], goal[1])
            # the folded-in edge keeps its distance from the eye's centre
            goal = eye + (goal - eye) / np.linalg.norm(goal - eye) * np.linalg.norm(k.p[i] - eye)
            away = goal - k.p[i]
            out[i] = away if ring == -1 else away * 0.9
    return out


def _off_the_lids(k: Skin) -> Array:
    """1 on the skin about the lids, fading over their outer rings: what slides there leaves no crease round the eye."""
    return np.where(np.isnan(k.lid_ring), 1.0, smoothstep(3.0, 7.0, np.nan_to_num(k.lid_ring)))


def _blink(k: Skin) -> Points:
    brow = k.bump(3.0, 14.9, 1.8, 0.8) * k.half
    return _lids(k, 1.0, 1.0) + k.slide(0 * brow, -0.06 * brow) * _off_the_lids(k)[:, None]


def _cheek_squint(k: Skin) -> Points:
    cheek = k.bump(3.5, 9.2, 1.5, 1.0) * k.half
    return k.slide(0 * cheek, 0.42 * cheek, puff=0.26 * cheek) + _lids(k, 0.0, 0.16)


def _squint(k: Skin) -> Points:
    cheek = k.bump(3.2, 10.2, 1.6, 0.8) * k.half * _off_the_lids(k)
    return _lids(k, 0.20, 1.25) + k.slide(0 * cheek, 0.24 * cheek, puff=0.15 * cheek)


_SKIN: dict[str, Callable[[Skin], Points]] = {
    "eyeBlink": _blink,
    "eyeLookDown": lambda k: _lids(k, 0.42, -0.45),
    "eyeLookIn": lambda k: _lids(k, 0.0, 0.0, -0.07),
    "eyeLookOut": lambda k: _lids(k, 0.0, 0.0, 0.07),
    "eyeLookUp": lambda k: _lids(k, -0.20, 0.45),
    "eyeSquint": _squint,
    "eyeWide": lambda k: _lids(k, -0.27, -0.35),
    "mouthSmile": mouth.smile,
    "mouthFrown": mouth.frown,
    "mouthDimple": mouth.dimple,
    "mouthStretch": mouth.stretch,
    "mouthPress": mouth.press,
    "mouthLowerDown": mouth.lower_down,
    "mouthUpperUp": mouth.upper_up,
    "browDown": _brow_down,
    "browOuterUp": _brow_outer_up,
    "cheekSquint": _cheek_squint,
    "noseSneer": mouth.sneer,
}
_MIDDLE: dict[str, Callable[[Skin], Points]] = {
    "jawForward": lambda k: np.array([0.0, 0.05, 0.9]) * mouth.jaw_reach(k)[:, None],
    "jawOpen": mouth.jaw_open,
    "mouthClose": mouth.mouth_close,
    "mouthFunnel": mouth.funnel,
    "mouthPucker": mouth.pucker,
    "mouthRollLower": lambda k: mouth.roll(k, False),
    "mouthRollUpper": lambda k: mouth.roll(k, True),
    "mouthShrugLower": mouth.shrug_lower,
    "mouthShrugUpper": mouth.shrug_upper,
    "browInnerUp": _brow_inner_up,
    "cheekPuff": mouth.cheek_puff,
    "tongueOut": lambda k: k.slide(
        0 * k.x, (0.16 * k.upper - 0.40 * (1 - k.upper)) * k.bump(0, MOUTH_Y, 1.2, 0.9) * k.oval, 0.0
    ),
}
_SWAPPED: dict[str, Callable[[Skin], Points]] = {  # no Left/Right suffix rule, but a side all the same
    "mouth": mouth.sideways,
    "jaw": lambda k: np.array([0.75 * k.side, 0.0, 0.0]) * mouth.jaw_reach(k)[:, None],
}


def skin_shapes(piece: Piece, head: HeadMesh, design: FaceDesign) -> dict[str, Points]:
    """All shapes' displacements (V, 3) of a piece of skin: the head itself, or what lies on it."""
    own = len(piece.points) == len(head.points)
    nothing = np.full(len(piece.points), np.nan)
    tags = (
        (head.lip_ring, head.lip_angle, head.lid_ring, head.lid_angle) if own else (nothing, nothing, nothing, nothing)
    )
    lid_side = head.lid_side if own else np.zeros(len(piece.points))
    left, right = (Skin(piece.points, side, *tags, lid_side, head, design) for side in (1, -1))
    out = {}
    for name, shape in _SKIN.items():
        out[name + "Left"], out[name + "Right"] = shape(left), shape(right)
    for name, shape in _SWAPPED.items():
        out[name + "Left"], out[name + "Right"] = shape(left), shape(right)
    for name, shape in _MIDDLE.items():
        out[name] = shape(left)
    if own:
        for name, delta in out.items():
            if name not in ("jawOpen", "mouthClose"):
                _lining_follows(delta, left)
    return out


def _lining_follows(delta: Points, k: Skin) -> None:
    """The mouth's lining goes with the lips' line of contact, less the deeper it lies."""
    contact = np.flatnonzero(k.lip_ring == 0)
    by_angle = {round(float(a), 6): delta[i].copy() for i, a in zip(contact, k.lip_angle[contact], strict=True)}
    for i in np.flatnonzero(k.lip_ring < 0):
        lip = by_angle.get(round(float(k.lip_angle[i]), 6))
        delta[i] = lip * LINING_FOLLOWS.get(int(k.lip_ring[i]), 0.0) if lip is not None else 0.0


def eye_shapes(piece: Piece, design: FaceDesign) -> dict[str, Points]:
    """Looks of an eyeball (or of its highlight, which stays with the light and so turns less)."""
    side = "Left" if piece.kind.endswith("Left") else "Right"
    sign = 1.0 if side == "Left" else -1.0
    centre = np.array([sign * design.eye_x, EYE_Y, design.eye_z])
    share = 1.0 if piece.kind.startswith("eye") else 0.45
    q = piece.points - centre
    out = {}
    for look, degrees in EYE_ANGLES.items():
        a = np.deg2rad(degrees) * share
        if look in ("In", "Out"):
            a *= sign if look == "Out" else -sign
            turned = np.stack(
                (q[:, 0] * np.cos(a) + q[:, 2] * np.sin(a), q[:, 1], q[:, 2] * np.cos(a) - q[:, 0] * np.sin(a)), 1
            )
        else:
            a *= 1 if look == "Up" else -1
            turned = np.stack(
                (q[:, 0], q[:, 1] * np.cos(a) + q[:, 2] * np.sin(a), q[:, 2] * np.cos(a) - q[:, 1] * np.sin(a)), 1
            )
        out[f"eyeLook{look}{side}"] = turned - q
    return out


def jaw_shapes(piece: Piece) -> dict[str, Points]:
    """Lower teeth and tongue ride on the jaw; the tongue also comes out."""
    n = len(piece.points)
    out = {
        "jawOpen": jaw_motion(piece.points),
        "jawForward": np.tile([0.0, 0.05, 0.9], (n, 1)),
        "jawLeft": np.tile([0.75, 0.0, 0.0], (n, 1)),
        "jawRight": np.tile([-0.75, 0.0, 0.0], (n, 1)),
    }
    if piece.kind == "tongue":
        p = piece.points
        tip, back = p[:, 2].max(), p[:, 2].min()
        t = smoothstep(back + 0.8, tip, p[:, 2])
        middle = MOUTH_Y - 1.0
        forward = 4.3 * t
        # over the lower teeth, then down over the lip
        rise = 0.85 * np.sin(np.pi * np.clip(t * 1.0, 0, 1)) ** 0.8 - 0.35 * t**4
        thin = (p[:, 1] - middle) * (-0.25 * t)
        out["tongueOut"] = np.stack((p[:, 0] * 0.12 * t, rise + thin, forward), 1)
    return out


def shapes_of(piece: Piece, head: HeadMesh, design: FaceDesign) -> dict[str, Points]:
    """All shapes that move a piece of the head."""
    if piece.kind == "skin":
        return skin_shapes(piece, head, design)
    if piece.kind.startswith(("eye", "glint")):
        return eye_shapes(piece, design)
    if piece.kind in ("teethLower", "tongue"):
        return jaw_shapes(piece)
    return {}

"""The 52 ARKit shapes as displacement fields on the face. Head space, centimetres (see head.py).

Skin does not move through the head but slides on it: a field gives (dx, dy) in the front view, and z follows the head's own
surface. One-sided shapes are written for the left; the right one is the same field in mirrored coordinates.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from features import Piece
from fields import Points, smoothstep
from head import EYE_Y, MOUTH_Y, FaceDesign, HeadMesh, lip_line
from numpy.typing import NDArray

Array = NDArray[np.float64]
HINGE = np.array([0.0, 8.8, -0.5])
JAW_ANGLE = np.deg2rad(17.0)
EYE_ANGLES = {"In": 32.0, "Out": 32.0, "Up": 24.0, "Down": 27.0}
LINING_FOLLOWS = {-1: 1.0, -2: 0.95, -3: 0.7, -4: 0.3, -5: 0.1}


@dataclass
class Skin:
    """Skin vertices in one side's coordinates: x grows towards the side being modelled."""

    p: Points
    side: int
    lip_ring: Array
    lip_angle: Array
    lid_ring: Array
    lid_angle: Array
    lid_side: Array
    head: HeadMesh
    design: FaceDesign

    def __post_init__(self) -> None:
        self.x, self.y = self.p[:, 0] * self.side, self.p[:, 1]
        z0 = self.head.height(self.p[:, 0], self.p[:, 1])
        e = 0.15
        gx = (self.head.height(self.p[:, 0] + e, self.y) - self.head.height(self.p[:, 0] - e, self.y)) / (2 * e)
        gy = (self.head.height(self.p[:, 0], self.y + e) - self.head.height(self.p[:, 0], self.y - e)) / (2 * e)
        inside = (np.abs(self.p[:, 0]) < 7.4) & (self.y > 0.2) & (self.y < 19.5)
        near = np.abs(self.p[:, 2] - z0) < 1.6
        self.front = smoothstep(2.4, 1.2, np.hypot(gx, gy)) * inside * near
        self.normal = np.stack((-gx * self.side, -gy, np.ones_like(gx)), 1)
        self.normal /= np.linalg.norm(self.normal, axis=1, keepdims=True)
        # in front of the ears only: fields in the front view must not reach the back of the head
        self.face = smoothstep(-1.0, 1.5, self.p[:, 2])
        self.half = smoothstep(-0.75, 0.75, self.x)
        s, c = np.sin(self.lip_angle), np.abs(np.cos(self.lip_angle))
        self.oval = 1 - np.nan_to_num(c) ** 3.2  # 0 at the mouth's corners, 1 in its middle
        beyond = smoothstep(MOUTH_Y - 1.3, MOUTH_Y + 1.3, self.y)
        ring = np.clip(np.nan_to_num(self.lip_ring, nan=8.0), 0, 8) / 8
        in_mouth = ~np.isnan(self.lip_ring)
        at_lip = 0.5 + 0.5 * np.sign(np.nan_to_num(s)) * self.oval**0.5 * (np.abs(np.nan_to_num(s)) > 1e-9)
        ease = ring * ring * (3 - 2 * ring)
        self.upper = np.where(in_mouth, at_lip * (1 - ease) + beyond * ease, beyond)
        # 1 on the lips, fading over the skin around them
        self.lips = np.where(in_mouth, smoothstep(8.0, 3.5, np.nan_to_num(self.lip_ring, nan=8.0)), 0.0)

    def bump(self, x: float, y: float, sx: float, sy: float | None = None) -> Array:
        """Gaussian hill in the front view, on the face only."""
        return np.exp(-0.5 * (((self.x - x) / sx) ** 2 + ((self.y - y) / (sy or sx)) ** 2)) * self.face

    def slide(self, dx: Array, dy: Array, dz: Array | float = 0.0, puff: Array | float = 0.0) -> Points:
        """Displacement that follows the surface, plus a push along z and along the surface's normal."""
        h = self.head.height
        along = h((self.x + dx) * self.side, self.y + dy) - h(self.x * self.side, self.y)
        out = np.stack((dx, dy, np.clip(along, -1.5, 1.5) * self.front + dz), 1)
        out = out + self.normal * np.broadcast_to(puff, dx.shape)[:, None]
        return out * [self.side, 1, 1]


def jaw_motion(p: Points, angle: float = JAW_ANGLE) -> Points:
    """Displacement of points that move with the opened jaw."""
    c, s = np.cos(angle), np.sin(angle)
    q = p - HINGE
    turned = np.stack((q[:, 0], q[:, 1] * c - q[:, 2] * s, q[:, 1] * s + q[:, 2] * c), 1)
    return turned - q + np.array([0.0, 0.0, 0.25])


def _jaw_reach(k: Skin) -> Array:
    """How far the jaw carries skin by place alone: full on the chin, nothing at the ears, nose and throat."""
    down = smoothstep(MOUTH_Y + 2.6, MOUTH_Y - 1.4, k.y - 0.16 * np.abs(k.x))
    return down * smoothstep(-2.5, 4.5, k.p[:, 2] + 0.5 * np.minimum(k.y, 0)) * smoothstep(-3.5, -0.3, k.y)


def _jaw_open(k: Skin) -> Points:
    place = _jaw_reach(k)
    w = k.oval
    at_lip = np.where(k.upper > 0.5, 0.40 * (1 - w), 0.40 + 0.60 * w)
    ring = np.clip(np.nan_to_num(k.lip_ring, nan=8.0), 0, 8)
    ease = smoothstep(1.0, 8.0, ring)
    weight = np.where(np.isnan(k.lip_ring), place, at_lip * (1 - ease) + place * ease)
    # inside, the lower half of the lining moves with the jaw
    deep = k.lip_ring < -2
    weight = np.where(deep, np.clip(0.5 - 0.9 * np.sin(np.nan_to_num(k.lip_angle)), 0, 1) * 0.95, weight)
    return jaw_motion(k.p) * weight[:, None]


def _mouth_close(k: Skin) -> Points:
    """With jawOpen at the same value the lips touch all along: each pair of contact vertices goes to one place."""
    opened = _jaw_open(k)
    out = np.zeros_like(opened)
    contact = np.flatnonzero(k.lip_ring == 0)
    n = len(contact)
    order = contact[np.argsort(k.lip_angle[contact])]
    pair = order[(-np.arange(n)) % n]
    rest_gap = k.p[pair] - k.p[order]
    # the lower lip does most of the way
    upper_share = 0.30
    high = np.where((np.sin(k.lip_angle[order]) >= 0)[:, None], opened[order], opened[pair])
    low = np.where((np.sin(k.lip_angle[order]) >= 0)[:, None], opened[pair], opened[order])
    meet = high * (1 - upper_share) + low * upper_share
    lift = meet - opened[order] + 0.5 * rest_gap
    by_angle = {round(float(a), 6): lift[i] for i, a in enumerate(k.lip_angle[order])}
    for i in np.flatnonzero(~np.isnan(k.lip_ring)):
        ring = k.lip_ring[i]
        share = float(smoothstep(8.0, 2.5, np.array([ring]))[0]) if ring >= 0 else LINING_FOLLOWS.get(int(ring), 0.0)
        found = by_angle.get(round(float(k.lip_angle[i]), 6))
        if found is not None:
            out[i] = found * share
    return out


def _corner(k: Skin, dx: float, dy: float, dz: float = 0.0, size: float = 1.5) -> Points:
    """Pull the corner of the mouth; the lips stretch along, less and less towards the middle."""
    w = k.design.mouth_half_width
    pull = k.bump(w + 0.15, MOUTH_Y, size, size * 0.95)
    inner = smoothstep(-0.2, 1.0, k.x / w)
    pull = pull * np.where(k.x < w, inner, 1.0)
    return k.slide(dx * pull, dy * pull, dz * pull)


def _smile(k: Skin) -> Points:
    cheek = k.bump(3.7, 8.2, 1.5, 1.2) * k.half
    lid = k.bump(3.1, 10.9, 1.4, 0.6)
    return _corner(k, 0.72, 0.62, -0.22, 1.55) + k.slide(
        0.05 * cheek, 0.42 * cheek + 0.10 * lid * k.half, puff=0.32 * cheek
    )


def _frown(k: Skin) -> Points:
    chin = k.bump(1.6, 3.2, 1.2) * k.half
    return _corner(k, 0.12, -0.75, -0.05, 1.35) + k.slide(0 * chin, 0.12 * chin, puff=0.12 * chin)


def _dimple(k: Skin) -> Points:
    return _corner(k, 0.50, 0.08, -0.42, 1.1)


def _stretch(k: Skin) -> Points:
    neck = k.bump(3.2, 2.6, 1.4) * k.half
    return _corner(k, 0.85, -0.32, -0.2, 1.6) + k.slide(0.15 * neck, -0.15 * neck)


def _roll(k: Skin, upper: bool) -> Points:
    part = (k.upper if upper else 1 - k.upper) * k.lips
    part = np.where(np.isnan(k.lip_ring), 0.0, part)
    line = lip_line(k.design, k.x)
    ring = np.nan_to_num(k.lip_ring, nan=8.0)
    tuck = part * k.oval**0.5 * (ring >= -3)
    dy = (line - k.y) * np.where(ring <= 4, 0.88, 0.88 * smoothstep(8, 4, ring)) * tuck
    dy = np.where(ring < 0, 0.0, dy)
    dz = -(0.62 * smoothstep(7.5, 1.0, ring) * (ring >= 0) + 0.5 * (ring < 0) * (ring >= -2)) * tuck
    return np.stack((0 * dy, dy, dz), 1)


def _press(k: Skin) -> Points:
    line = lip_line(k.design, k.x)
    ring = np.nan_to_num(k.lip_ring, nan=8.0)
    on = k.lips * (ring > 0) * k.half * k.oval**0.5
    squeeze = k.slide(0 * on, (line - k.y) * 0.42 * on, dz=-0.16 * on)
    corner = _corner(k, 0.22, 0.03, -0.22, 1.0)
    pads = k.bump(1.7, MOUTH_Y - 1.5, 0.9, 0.6) + k.bump(1.7, MOUTH_Y + 1.3, 0.9, 0.5)
    return squeeze + corner + k.slide(0 * on, 0 * on, puff=0.14 * pads * k.half)


def _lower_down(k: Skin) -> Points:
    part = (1 - k.upper) * k.bump(1.2, MOUTH_Y - 0.4, 1.55, 1.25) * k.half
    return k.slide(0.10 * part, -0.78 * part, dz=0.05 * part)


def _upper_up(k: Skin) -> Points:
    part = k.upper * k.bump(1.2, MOUTH_Y + 0.5, 1.6, 1.15) * k.half
    fold = k.bump(2.4, 7.6, 0.9, 0.8) * k.half
    return k.slide(0.06 * part, 0.74 * part + 0.14 * fold, dz=0.06 * part, puff=0.12 * fold)


def _around_mouth(k: Skin, sx: float = 2.4, sy: float = 1.9) -> Array:
    return k.bump(0, MOUTH_Y, sx, sy)


def _pucker(k: Skin) -> Points:
    g = _around_mouth(k, 2.3, 1.7)
    lips = k.lips * (np.nan_to_num(k.lip_ring, nan=8.0) > 0)
    gather = -0.48 * k.x * g
    fuller = (k.y - lip_line(k.design, k.x)) * 0.12 * lips
    return np.stack((gather, fuller, 0.95 * g * (1 - 0.25 * (k.x / 2.6) ** 2 * g)), 1) * [k.side, 1, 1]


def _funnel(k: Skin) -> Points:
    g = _around_mouth(k, 2.3, 1.7)
    part = k.bump(0, MOUTH_Y, 2.6, 1.3)
    dy = (0.50 * k.upper - 0.62 * (1 - k.upper)) * part * np.where(np.isnan(k.lip_ring), 1.0, k.oval**0.6)
    return np.stack((-0.40 * k.x * g, dy, 0.75 * g), 1) * [k.side, 1, 1]


def _sideways(k: Skin) -> Points:
    g = k.bump(0.5, MOUTH_Y, 2.3, 1.8)
    bunch = k.bump(3.6, MOUTH_Y + 0.3, 1.0, 1.2)
    return k.slide(0.95 * g, 0.08 * g, puff=0.18 * bunch)


def _shrug_lower(k: Skin) -> Points:
    g = k.bump(0, MOUTH_Y - 0.5, 1.9, 0.95)
    chin = k.bump(0, 2.6, 1.4, 1.0)
    return k.slide(0 * g, 0.46 * g + 0.30 * chin, dz=0.24 * g, puff=0.18 * chin)


def _shrug_upper(k: Skin) -> Points:
    g = k.bump(0, MOUTH_Y + 0.5, 1.8, 0.9)
    return k.slide(0 * g, 0.34 * g, dz=0.30 * g)


def _cheek_puff(k: Skin) -> Points:
    left = k.bump(4.3, 5.9, 1.55, 1.6)
    right = np.exp(-0.5 * (((k.x + 4.3) / 1.55) ** 2 + ((k.y - 5.9) / 1.6) ** 2)) * k.face
    lips = _around_mouth(k, 1.8, 1.2)
    out = np.stack((np.sign(k.x) * 0.62, 0 * k.x, 0.66 + 0 * k.x), 1) * (left + right)[:, None]
    return (out + np.stack((0 * lips, 0 * lips, 0.22 * lips), 1)) * [k.side, 1, 1]


def _cheek_squint(k: Skin) -> Points:
    cheek = k.bump(3.5, 9.2, 1.5, 1.0) * k.half
    return k.slide(0 * cheek, 0.42 * cheek, puff=0.26 * cheek) + _lids(k, 0.0, 0.16)


def _sneer(k: Skin) -> Points:
    wing = k.bump(1.25, 8.5, 0.85, 0.95) * k.half
    lip = k.upper * k.bump(1.3, MOUTH_Y + 1.0, 1.0, 0.8) * k.half
    bridge = k.bump(0.9, 10.9, 0.8, 0.9) * k.half
    return k.slide(0.05 * wing, 0.44 * wing + 0.26 * lip + 0.12 * bridge, dz=0.08 * wing, puff=0.12 * bridge)


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
    for i in np.flatnonzero(mine):
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


def _blink(k: Skin) -> Points:
    brow = k.bump(3.0, 14.9, 1.8, 0.8) * k.half
    return _lids(k, 1.0, 1.0) + k.slide(0 * brow, -0.06 * brow) * np.isnan(k.lid_ring)[:, None]


def _squint(k: Skin) -> Points:
    cheek = k.bump(3.2, 10.2, 1.6, 0.8) * k.half * np.isnan(k.lid_ring)
    return _lids(k, 0.20, 1.25) + k.slide(0 * cheek, 0.24 * cheek, puff=0.15 * cheek)


_SKIN: dict[str, Callable[[Skin], Points]] = {
    "eyeBlink": _blink,
    "eyeLookDown": lambda k: _lids(k, 0.42, -0.45),
    "eyeLookIn": lambda k: _lids(k, 0.0, 0.0, -0.07),
    "eyeLookOut": lambda k: _lids(k, 0.0, 0.0, 0.07),
    "eyeLookUp": lambda k: _lids(k, -0.20, 0.45),
    "eyeSquint": _squint,
    "eyeWide": lambda k: _lids(k, -0.27, -0.35),
    "mouthSmile": _smile,
    "mouthFrown": _frown,
    "mouthDimple": _dimple,
    "mouthStretch": _stretch,
    "mouthPress": _press,
    "mouthLowerDown": _lower_down,
    "mouthUpperUp": _upper_up,
    "browDown": _brow_down,
    "browOuterUp": _brow_outer_up,
    "cheekSquint": _cheek_squint,
    "noseSneer": _sneer,
}
_MIDDLE: dict[str, Callable[[Skin], Points]] = {
    "jawForward": lambda k: np.array([0.0, 0.05, 0.9]) * _jaw_reach(k)[:, None],
    "jawOpen": _jaw_open,
    "mouthClose": _mouth_close,
    "mouthFunnel": _funnel,
    "mouthPucker": _pucker,
    "mouthRollLower": lambda k: _roll(k, False),
    "mouthRollUpper": lambda k: _roll(k, True),
    "mouthShrugLower": _shrug_lower,
    "mouthShrugUpper": _shrug_upper,
    "browInnerUp": _brow_inner_up,
    "cheekPuff": _cheek_puff,
    "tongueOut": lambda k: k.slide(
        0 * k.x, (0.16 * k.upper - 0.40 * (1 - k.upper)) * k.bump(0, MOUTH_Y, 1.2, 0.9) * k.oval, 0.0
    ),
}
_SWAPPED: dict[str, Callable[[Skin], Points]] = {  # no Left/Right suffix rule, but a side all the same
    "mouth": _sideways,
    "jaw": lambda k: np.array([0.75 * k.side, 0.0, 0.0]) * _jaw_reach(k)[:, None],
}


def skin_shapes(piece: Piece, head: HeadMesh, design: FaceDesign) -> dict[str, Points]:
    """All shapes' displacements (V, 3) of a piece of skin: the head itself, or what lies on it."""
    own = len(piece.points) == len(head.points)
    nothing = np.full(len(piece.points), np.nan)
    tags = [head.lip_ring, head.lip_angle, head.lid_ring, head.lid_angle] if own else [nothing] * 4
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
        found = by_angle.get(round(float(k.lip_angle[i]), 6))
        delta[i] = found * LINING_FOLLOWS.get(int(k.lip_ring[i]), 0.0) if found is not None else 0.0


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

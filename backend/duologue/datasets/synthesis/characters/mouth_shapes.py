"""Displacement fields of the jaw, mouth, cheeks' puff and nose. Head space, centimetres (see skin.py)."""

from __future__ import annotations

import numpy as np

from duologue.datasets.synthesis.characters.fields import Points, smoothstep
from duologue.datasets.synthesis.characters.head import MOUTH_Y, lip_line
from duologue.datasets.synthesis.characters.skin import LINING_FOLLOWS, Array, Skin, jaw_motion


def jaw_reach(k: Skin) -> Array:
    """How far the jaw carries skin by place alone: full on the chin, nothing at the ears, nose and throat."""
    down = smoothstep(MOUTH_Y + 2.6, MOUTH_Y - 1.4, k.y - 0.16 * np.abs(k.x))
    return down * smoothstep(-2.5, 4.5, k.p[:, 2] + 0.5 * np.minimum(k.y, 0)) * smoothstep(-3.5, -0.3, k.y)


def jaw_open(k: Skin) -> Points:
    """jawOpen: the chin swings about the hinge, the lower lip with it."""
    place = jaw_reach(k)
    w = k.oval
    at_lip = np.where(k.upper > 0.5, 0.40 * (1 - w), 0.40 + 0.60 * w)
    ring = np.clip(np.nan_to_num(k.lip_ring, nan=8.0), 0, 8)
    ease = smoothstep(1.0, 8.0, ring)
    weight = np.where(np.isnan(k.lip_ring), place, at_lip * (1 - ease) + place * ease)
    # inside, the lower half of the lining moves with the jaw
    deep = k.lip_ring < -2
    weight = np.where(deep, np.clip(0.5 - 0.9 * np.sin(np.nan_to_num(k.lip_angle)), 0, 1) * 0.95, weight)
    return jaw_motion(k.p) * weight[:, None]


def mouth_close(k: Skin) -> Points:
    """With jawOpen at the same value the lips touch all along: each pair of contact vertices goes to one place."""
    opened = jaw_open(k)
    out = np.zeros_like(opened)
    contact = np.flatnonzero(k.lip_ring == 0)
    if not len(contact):  # a piece that lies on the head, without a mouth of its own
        return out
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
    # skin between the rings' own angles (refine.py) goes with the lips on either side of it
    on = np.flatnonzero(~np.isnan(k.lip_ring))
    angles = k.lip_angle[order]
    follow = np.stack([np.interp(k.lip_angle[on], angles, lift[:, c], period=2 * np.pi) for c in range(3)], 1)
    ring = k.lip_ring[on]
    lining = np.array([LINING_FOLLOWS.get(int(r), 0.0) for r in ring])
    out[on] = follow * np.where(ring >= 0, smoothstep(8.0, 2.5, ring), lining)[:, None]
    return out


def _corner(k: Skin, dx: float, dy: float, dz: float = 0.0, size: float = 1.5) -> Points:
    """Pull the corner of the mouth; the lips stretch along, less and less towards the middle."""
    w = k.design.mouth_half_width
    pull = k.bump(w + 0.15, MOUTH_Y, size, size * 0.95)
    inner = smoothstep(-0.2, 1.0, k.x / w)
    pull = pull * np.where(k.x < w, inner, 1.0)
    return k.slide(dx * pull, dy * pull, dz * pull)


def smile(k: Skin) -> Points:
    """mouthSmile, one side."""
    cheek = k.bump(3.7, 8.2, 1.5, 1.2) * k.half
    lid = k.bump(3.1, 10.9, 1.4, 0.6)
    return _corner(k, 0.72, 0.62, -0.22, 1.55) + k.slide(
        0.05 * cheek, 0.42 * cheek + 0.10 * lid * k.half, puff=0.32 * cheek
    )


def frown(k: Skin) -> Points:
    """mouthFrown, one side."""
    chin = k.bump(1.6, 3.2, 1.2) * k.half
    return _corner(k, 0.12, -0.75, -0.05, 1.35) + k.slide(0 * chin, 0.12 * chin, puff=0.12 * chin)


def dimple(k: Skin) -> Points:
    """mouthDimple, one side."""
    return _corner(k, 0.50, 0.08, -0.42, 1.1)


def stretch(k: Skin) -> Points:
    """mouthStretch, one side."""
    neck = k.bump(3.2, 2.6, 1.4) * k.half
    return _corner(k, 0.85, -0.32, -0.2, 1.6) + k.slide(0.15 * neck, -0.15 * neck)


def roll(k: Skin, upper: bool) -> Points:
    """mouthRollUpper or mouthRollLower: the lip turns in over the teeth."""
    part = (k.upper if upper else 1 - k.upper) * k.lips
    part = np.where(np.isnan(k.lip_ring), 0.0, part)
    line = lip_line(k.design, k.x)
    ring = np.nan_to_num(k.lip_ring, nan=8.0)
    tuck = part * k.oval**0.5 * (ring >= -3)
    dy = (line - k.y) * np.where(ring <= 4, 0.88, 0.88 * smoothstep(8, 4, ring)) * tuck
    dy = np.where(ring < 0, 0.0, dy)
    dz = -(0.62 * smoothstep(7.5, 1.0, ring) * (ring >= 0) + 0.5 * (ring < 0) * (ring >= -2)) * tuck
    return np.stack((0.0 * dy, dy, dz), 1)


def press(k: Skin) -> Points:
    """mouthPress, one side."""
    line = lip_line(k.design, k.x)
    ring = np.nan_to_num(k.lip_ring, nan=8.0)
    on = k.lips * (ring > 0) * k.half * k.oval**0.5
    squeeze = k.slide(0 * on, (line - k.y) * 0.42 * on, dz=-0.16 * on)
    corner = _corner(k, 0.22, 0.03, -0.22, 1.0)
    pads = k.bump(1.7, MOUTH_Y - 1.5, 0.9, 0.6) + k.bump(1.7, MOUTH_Y + 1.3, 0.9, 0.5)
    return squeeze + corner + k.slide(0 * on, 0 * on, puff=0.14 * pads * k.half)


def lower_down(k: Skin) -> Points:
    """mouthLowerDown, one side."""
    part = (1 - k.upper) * k.bump(1.2, MOUTH_Y - 0.4, 1.55, 1.25) * k.half
    return k.slide(0.10 * part, -0.78 * part, dz=0.05 * part)


def upper_up(k: Skin) -> Points:
    """mouthUpperUp, one side."""
    part = k.upper * k.bump(1.2, MOUTH_Y + 0.5, 1.6, 1.15) * k.half
    fold = k.bump(2.4, 7.6, 0.9, 0.8) * k.half
    return k.slide(0.06 * part, 0.74 * part + 0.14 * fold, dz=0.06 * part, puff=0.12 * fold)


def _around_mouth(k: Skin, sx: float = 2.4, sy: float = 1.9) -> Array:
    return k.bump(0, MOUTH_Y, sx, sy)


def pucker(k: Skin) -> Points:
    """mouthPucker."""
    g = _around_mouth(k, 2.3, 1.7)
    lips = k.lips * (np.nan_to_num(k.lip_ring, nan=8.0) > 0)
    gather = -0.48 * k.x * g
    fuller = (k.y - lip_line(k.design, k.x)) * 0.12 * lips
    return np.stack((gather, fuller, 0.95 * g * (1 - 0.25 * (k.x / 2.6) ** 2 * g)), 1) * [k.side, 1, 1]


def funnel(k: Skin) -> Points:
    """mouthFunnel."""
    g = _around_mouth(k, 2.3, 1.7)
    part = k.bump(0, MOUTH_Y, 2.6, 1.3)
    dy = (0.50 * k.upper - 0.62 * (1 - k.upper)) * part * np.where(np.isnan(k.lip_ring), 1.0, k.oval**0.6)
    return np.stack((-0.40 * k.x * g, dy, 0.75 * g), 1) * [k.side, 1, 1]


def sideways(k: Skin) -> Points:
    """mouthLeft or mouthRight."""
    g = k.bump(0.5, MOUTH_Y, 2.3, 1.8)
    bunch = k.bump(3.6, MOUTH_Y + 0.3, 1.0, 1.2)
    return k.slide(0.95 * g, 0.08 * g, puff=0.18 * bunch)


def shrug_lower(k: Skin) -> Points:
    """mouthShrugLower."""
    g = k.bump(0, MOUTH_Y - 0.5, 1.9, 0.95)
    chin = k.bump(0, 2.6, 1.4, 1.0)
    return k.slide(0 * g, 0.46 * g + 0.30 * chin, dz=0.24 * g, puff=0.18 * chin)


def shrug_upper(k: Skin) -> Points:
    """mouthShrugUpper."""
    g = k.bump(0, MOUTH_Y + 0.5, 1.8, 0.9)
    return k.slide(0 * g, 0.34 * g, dz=0.30 * g)


def cheek_puff(k: Skin) -> Points:
    """cheekPuff, both sides."""
    left = k.bump(4.3, 5.9, 1.55, 1.6)
    right = np.exp(-0.5 * (((k.x + 4.3) / 1.55) ** 2 + ((k.y - 5.9) / 1.6) ** 2)) * k.face
    lips = _around_mouth(k, 1.8, 1.2)
    out = np.stack((np.sign(k.x) * 0.62, 0 * k.x, 0.66 + 0 * k.x), 1) * (left + right)[:, None]
    return (out + np.stack((0 * lips, 0 * lips, 0.22 * lips), 1)) * [k.side, 1, 1]


def sneer(k: Skin) -> Points:
    """noseSneer, one side."""
    wing = k.bump(1.25, 8.5, 0.85, 0.95) * k.half
    lip = k.upper * k.bump(1.3, MOUTH_Y + 1.0, 1.0, 0.8) * k.half
    bridge = k.bump(0.9, 10.9, 0.8, 0.9) * k.half
    return k.slide(0.05 * wing, 0.44 * wing + 0.26 * lip + 0.12 * bridge, dz=0.08 * wing, puff=0.12 * bridge)

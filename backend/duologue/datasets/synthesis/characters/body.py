"""Clothes, hands and shoes around a character's joints. World space, metres, T-pose (palms down, facing +Z)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from duologue.datasets.synthesis.characters.features import Piece
from duologue.datasets.synthesis.characters.fields import (
    Field,
    Points,
    blend,
    carve,
    clip,
    ellipsoid,
    half_space,
    limb,
    mirrored,
    offset,
    stack,
    surface_nets,
    union,
)
from duologue.datasets.synthesis.characters.skeletons import FINGERS, Joints, mirror_weights

NECK_TILT = 0.38  # radians: necklines lean forward
Weighted = tuple[Piece, NDArray[np.float64]]


@dataclass(frozen=True)
class BodyDesign:
    """Sizes in metres. Torso levels: (height as a fraction from hips 0 to neck 1, half-width, front, back, centre z)."""

    torso: tuple[tuple[float, float, float, float, float], ...]
    pelvis: tuple[tuple[float, float, float, float, float], ...]
    arm: tuple[float, float, float]  # sleeve radius at shoulder, elbow, wrist
    leg: tuple[float, float, float, float]  # trouser radius at hip, mid-thigh, knee, ankle
    hand: float  # factor on the hand's thickness
    foot: tuple[float, float]  # shoe length, half-width
    hem: float  # how far the top reaches below the hips
    cut: Literal["jumper", "jacket", "tee"]  # of the top; a tee's sleeves end above the elbow
    collar: float  # radius of the neck opening
    boot: float  # height of the shoe's shaft above the ankle


def torso_field(j: Joints, d: BodyDesign) -> Field:
    """Torso up to the root of the neck, with shoulders."""
    low, high = j["Hips"][1], j["Neck"][1]
    levels = [(low + f * (high - low), w, front, back, z) for f, w, front, back, z in d.torso]
    trunk = stack(levels, 2.4)
    s = j["LeftArm"]
    slope = mirrored(
        limb((0.03, high - 0.035, s[2] + 0.003), (s[0] - 0.012, s[1] - 0.004, s[2] + 0.004), 0.045, d.arm[0] * 0.97)
    )
    return blend(0.06, trunk, slope)


def arms_field(j: Joints, d: BodyDesign) -> Field:
    """Sleeves."""
    s, e, w = j["LeftArm"], j["LeftForeArm"], j["LeftHand"]
    upper = limb(s - [0.03, 0, 0], e, d.arm[0], d.arm[1])
    if d.cut == "tee":
        sleeve = clip(0.006, upper, half_space((_sleeve_end(j), 0, 0), (1, 0, 0)))
        bare = limb(s - [0.03, 0, 0], e, d.arm[0] - 0.009, d.arm[1] - 0.005)
        lower = limb(e, w + np.array([0.02, 0, 0]), d.arm[1] - 0.005, 0.0255 * d.hand)
        return mirrored(union(sleeve, bare, lower))
    lower = limb(e, w + np.array([0.02, 0, 0]), d.arm[1], d.arm[2])
    return mirrored(union(upper, lower))


def _sleeve_end(j: Joints) -> float:
    """Where a tee's sleeve ends: x, metres."""
    return float(j["LeftArm"][0] + 0.62 * (j["LeftForeArm"][0] - j["LeftArm"][0]))


def tops(j: Joints, d: BodyDesign) -> list[Weighted]:
    """Sweater, tee, or a jacket open over a shirt; with collar, cuffs and hem."""
    out: list[Weighted] = []
    jacket = d.cut == "jacket"
    low = j["Hips"][1] - d.hem
    wrist = j["LeftHand"][0]
    bare = torso_field(j, d)
    bare = blend(0.03, bare, offset(_hips(j, d), 0.009))
    whole = blend(0.055, bare, arms_field(j, d))
    bounds = ((-wrist - 0.05, low - 0.06, -0.26), (wrist + 0.05, j["Neck"][1] + 0.09, 0.26))
    neckline = _neckline(j, 0.012)
    opening = _wedge(low, j["Neck"][1] + 0.03, 0.034, 0.078)
    ends = [half_space((0, low, 0), (0, -1, 0)), mirrored(half_space((wrist - 0.012, 0, 0), (1, 0, 0)))]
    if jacket:
        shirt = clip(
            0.01,
            offset(bare, 0.001),
            half_space((0, low + 0.012, 0), (0, -1, 0)),
            mirrored(half_space((0.2, 0, 0), (1, 0, 0))),
        )
        shirt = clip(0.012, shirt, neckline)
        points, faces = surface_nets(shirt, (-0.3, low - 0.03, -0.25), (0.3, bounds[1][1], 0.25), 0.0165)
        weights = j.upper_body(points, faces, 4)
        under_jacket = (points[:, 2] < 0.0) | (np.abs(points[:, 0]) > 0.13)
        under_jacket |= np.abs(points[:, 0]) > 0.11
        under_jacket &= points[:, 1] < j["Neck"][1] - 0.06
        out.append(_culled(Piece("shirt", points, faces, ["shirt"] * len(faces)), weights, under_jacket))
        whole = offset(whole, 0.012)
        body = clip(0.014, whole, *ends)
        body = clip(0.014, carve(0.014, body, opening), _neckline(j, 0.022))
    else:
        body = clip(0.014, whole, *ends)
        body = clip(0.014, body, neckline)
    points, faces = surface_nets(body, *bounds, 0.0195)
    weights = j.upper_body(points, faces, 4)
    inside = bare(points) < -0.022 if jacket else np.zeros(len(points), bool)
    material = ["top"] * len(faces)
    if d.cut == "tee":
        across = np.abs(points[faces, 0]).mean(axis=1)
        material = np.where(across > _sleeve_end(j) - 0.004, "skin", "top").tolist()
    out.append(_culled(Piece("top", points, faces, material), weights, inside))
    out += _trims(j, d, _Top(low, bare, whole, opening))
    return out


@dataclass(frozen=True)
class _Top:
    """What trims lie on: the height of the hem, the body under the cloth, the cloth, and a jacket's front opening."""

    low: float
    bare: Field
    whole: Field
    opening: Field


def _trims(j: Joints, d: BodyDesign, top: _Top) -> list[Weighted]:
    """Collar, cuffs and hem: bands a little thicker than the cloth."""
    out: list[Weighted] = []
    jacket = d.cut == "jacket"
    neck = j["Neck"]
    thick, tall = (0.0080, 1.3) if jacket else (0.0115, 2.1)
    ring = _ring((0, neck[1] + 0.010, -0.027), d.collar, thick, NECK_TILT, tall)
    name = "trim" if not jacket else "shirt_trim"
    points, faces = surface_nets(ring, (-0.13, neck[1] - 0.09, -0.14), (0.13, neck[1] + 0.10, 0.14), 0.0105)
    out.append((Piece("collar", points, faces, [name] * len(faces)), j.upper_body(points, faces, 3)))
    if jacket:
        out += _facing(j, top)
    cuff, weights = _cuff(j, d)
    out += [(cuff, weights), (cuff.mirrored("cuff"), mirror_weights(j, weights))]
    band = clip(
        0.012,
        offset(top.whole if jacket else top.bare, 0.005),
        half_space((0, top.low - 0.012, 0), (0, -1, 0)),
        half_space((0, top.low + 0.034, 0), (0, 1, 0)),
    )
    if jacket:
        band = carve(0.012, band, top.opening)
    points, faces = surface_nets(band, (-0.27, top.low - 0.05, -0.24), (0.27, top.low + 0.07, 0.24), 0.0165)
    weights = j.upper_body(points, faces, 3)
    out.append(_culled(Piece("hem", points, faces, ["trim"] * len(faces)), weights, top.bare(points) < -0.008))
    return out


def _cuff(j: Joints, d: BodyDesign) -> Weighted:
    """The left sleeve's end."""
    end, bone, r = j["LeftHand"], "LeftForeArm", d.arm[2] + (0.012 if d.cut == "jacket" else 0.0) + 0.004
    if d.cut == "tee":
        share = (_sleeve_end(j) - j["LeftArm"][0]) / (j["LeftForeArm"][0] - j["LeftArm"][0])
        end = j["LeftArm"] + share * (j["LeftForeArm"] - j["LeftArm"]) + np.array([0.012, 0, 0])
        bone, r = "LeftArm", d.arm[0] + share * (d.arm[1] - d.arm[0]) + 0.003
    tube = clip(
        0.010,
        limb(end - np.array([0.09, 0, 0]), end + np.array([0.03, 0, 0]), r + 0.002, r),
        half_space(end - np.array([0.008, 0, 0]), (1, 0, 0)),
        half_space(end - np.array([0.056, 0, 0]), (-1, 0, 0)),
    )
    points, faces = surface_nets(tube, end - np.array([0.08, 0.07, 0.07]), end + np.array([0.02, 0.07, 0.07]), 0.0125)
    return Piece("cuff", points, faces, ["trim"] * len(faces)), j.rigid(bone, len(points))


def _facing(j: Joints, top: _Top) -> list[Weighted]:
    """A jacket's collar and the bands along its opening."""
    neck = j["Neck"]
    low = j["Hips"][1]
    bands = clip(
        0.007, offset(top.whole, 0.0075), offset(top.opening, 0.024), lambda p: -top.opening(p), _neckline(j, 0.026)
    )
    points, faces = surface_nets(
        bands, (-0.13, low - 0.07, 0.0), (0.13, neck[1] + 0.06, 0.22), (0.0105, 0.0165, 0.0105)
    )
    weights = j.upper_body(points, faces, 3)
    out = [_culled(Piece("facing", points, faces, ["trim"] * len(faces)), weights, top.bare(points) < -0.012)]
    collar = carve(
        0.010,
        _ring((0, neck[1] + 0.004, -0.029), 0.0850, 0.0135, NECK_TILT, 1.9),
        _wedge(neck[1] - 0.1, neck[1], 0.045, 0.058),
    )
    points, faces = surface_nets(collar, (-0.13, neck[1] - 0.08, -0.16), (0.13, neck[1] + 0.09, 0.13), 0.0115)
    return [*out, (Piece("collar", points, faces, ["trim"] * len(faces)), j.upper_body(points, faces, 3))]


def _neckline(j: Joints, above: float) -> Field:
    """Plane that ends a top at the neck, lower in front."""
    return half_space((0, j["Neck"][1] + above, -0.027), (0, np.cos(NECK_TILT), np.sin(NECK_TILT)))


def _wedge(low: float, top: float, at_hem: float, at_neck: float) -> Field:
    """Front opening of a jacket: |x| under a width that grows upwards, in front of the body's middle."""

    def field(p: Points) -> NDArray[np.float64]:
        t = np.clip((p[:, 1] - low) / (top - low), -0.2, 1.2)
        width = at_hem + (at_neck - at_hem) * np.maximum(t, 0) ** 1.5 + 0.012 * np.maximum(0, 0.25 - t)
        return np.maximum(np.abs(p[:, 0]) - width, 0.02 - p[:, 2])

    return field


def _ring(centre: Sequence[float], radius: float, thick: float, tilt: float, tall: float) -> Field:
    """Torus about y, leaning forward by `tilt` radians, its section stretched upwards."""
    c = np.asarray(centre, float)
    cos, sin = np.cos(tilt), np.sin(tilt)

    def field(p: Points) -> NDArray[np.float64]:
        q = p - c
        y, z = q[:, 1] * cos + q[:, 2] * sin, q[:, 2] * cos - q[:, 1] * sin
        return np.hypot(np.hypot(q[:, 0], z) - radius, y / tall) - thick

    return field


def _hips(j: Joints, d: BodyDesign) -> Field:
    """The pelvis under the trousers, with the tops of the thighs."""
    hip = j["LeftUpLeg"]
    low, high = hip[1], j["Spine"][1] + 0.03
    levels = [(low + f * (high - low), *rest) for f, *rest in d.pelvis]
    thigh = limb(hip + np.array([0.0, -0.015, -0.004]), hip + np.array([0.003, -0.2, 0]), d.leg[0], d.leg[1])
    return blend(0.035, stack(levels, 2.3), mirrored(thigh))


def trousers(j: Joints, d: BodyDesign) -> Weighted:
    """Pelvis and legs."""
    hip, knee, ankle = j["LeftUpLeg"], j["LeftLeg"], j["LeftFoot"]
    high = j["Spine"][1] + 0.03
    thigh = hip + (knee - hip) * 0.45
    r = d.leg
    leg = union(
        limb(hip + np.array([0.0, -0.015, -0.004]), thigh + np.array([0.004, 0, 0]), r[0], r[1]),
        limb(thigh + np.array([0.004, 0, 0]), knee, r[1], r[2]),
        limb(knee, knee + (ankle - knee) * 0.35 + [0.0, 0, -0.012], r[2], r[2] * 0.98),
        limb(knee + (ankle - knee) * 0.35 + [0.0, 0, -0.012], ankle + np.array([0, 0.0, 0]), r[2] * 0.98, r[3]),
    )
    body = blend(0.02, _hips(j, d), mirrored(leg))
    body = clip(0.012, body, half_space((0, ankle[1] + 0.012, 0), (0, -1, 0)))
    points, faces = surface_nets(
        body, (-0.28, ankle[1] - 0.05, -0.24), (0.28, high + 0.04, 0.24), (0.0205, 0.026, 0.0205)
    )
    weights = j.lower_body(points, faces, 4)
    covered = (torso_field(j, d)(points) < -0.006) & (points[:, 1] > j["Hips"][1] - d.hem + 0.07)
    return _culled(Piece("trousers", points, faces, ["trousers"] * len(faces)), weights, covered)


def shoes(j: Joints, d: BodyDesign) -> list[Weighted]:
    """Left and right shoe, upper and sole."""
    ankle, toe = j["LeftFoot"], j["LeftToeBase"]
    length, half = d.foot
    heel = ankle[2] - 0.055
    tip = heel + length
    x0, x1 = ankle[0], toe[0] + 0.004
    h = 0.022  # top of the sole
    upper = blend(
        0.035,
        ellipsoid((x0, h + 0.028, heel + 0.052), (half * 0.80, 0.050, 0.054)),
        limb((x0, ankle[1] + 0.01, ankle[2] + 0.006), (x1, h + 0.020, toe[2] - 0.01), 0.040, 0.034),
        ellipsoid((x1, h + 0.012, tip - half * 1.02), (half * 0.97, 0.036, half * 1.0)),
        limb((x0, ankle[1], ankle[2] + 0.004), (x0, ankle[1] + d.boot, ankle[2] - 0.001), 0.043, 0.045),
    )
    upper = clip(
        0.008, upper, half_space((0, h - 0.006, 0), (0, -1, 0)), half_space((0, ankle[1] + d.boot + 0.02, 0), (0, 1, 0))
    )
    outline = blend(
        0.06,
        ellipsoid((x0, 0.012, heel + 0.050), (half * 0.86, 0.3, 0.056)),
        ellipsoid((x1, 0.012, tip - half * 1.02), (half * 1.06, 0.3, half * 1.09)),
        limb((x0, 0.012, heel + 0.05), (x1, 0.012, tip - half * 1.1), half * 0.76, half * 0.9, (1, 9, 1)),
    )
    sole = clip(0.008, outline, half_space((0, h + 0.003, 0), (0, 1, 0)), half_space((0, 0.0, 0), (0, -1, 0)))
    out: list[Weighted] = []
    for field, name, low, high, cell in (
        (upper, "shoe", h - 0.02, ankle[1] + d.boot + 0.04, (0.0135, 0.0135, 0.0145)),
        (sole, "sole", -0.015, h + 0.02, (0.0125, 0.0085, 0.0145)),
    ):
        points, faces = surface_nets(field, (x0 - 0.11, low, heel - 0.03), (x0 + 0.12, high, tip + 0.03), cell)
        points[:, 1] = np.maximum(points[:, 1], 0.0)
        piece = Piece(name, points, faces, [name] * len(faces))
        weights = j.shoe(points, "Left")
        out += [(piece, weights), (piece.mirrored(name), mirror_weights(j, weights))]
    return out


def hands(j: Joints, d: BodyDesign) -> list[Weighted]:
    """Both hands with five bendable fingers and a stub of wrist that ends inside the sleeve."""
    k = d.hand
    wrist = j["LeftHand"]
    fingers = []
    sizes = {
        "Thumb": (0.0128, 0.0112, 0.0098, 0.0080), "Index": (0.0096, 0.0088, 0.0080, 0.0068),
        "Middle": (0.0098, 0.0090, 0.0081, 0.0069), "Ring": (0.0094, 0.0086, 0.0078, 0.0066),
        "Pinky": (0.0084, 0.0076, 0.0069, 0.0060),
    }  # fmt: skip
    knuckles = []
    for finger in FINGERS:
        stem = "LeftHand" + finger
        path = [j[stem + c] for c in "123"] + [j.tail(stem + "3")]
        r = [x * k for x in sizes[finger]]
        parts = [limb(path[i], path[i + 1], r[i], r[i + 1]) for i in range(3)]
        fingers.append(union(*parts))
        if finger != "Thumb":
            knuckles.append(limb(wrist + (path[0] - wrist) * [0.25, 0, 0.55], path[0], 0.0135 * k, 0.0108 * k))
    thumb1, index1 = j["LeftHandThumb1"], j["LeftHandIndex1"]
    palm = blend(
        0.016 * k,
        *knuckles,
        limb(
            wrist + np.array([-0.055, 0.0, 0.0]),
            wrist + np.array([0.004, 0, 0]),
            0.0235 * k,
            0.0225 * k,
            (1, 0.92, 1.1),
        ),
        limb(thumb1, j["LeftHandThumb2"], 0.0150 * k, 0.0118 * k),
        limb(thumb1 + np.array([0.012, 0, -0.010]), index1 + np.array([-0.012, 0, 0]), 0.0125 * k, 0.0095 * k),
    )
    shape = palm
    for f in fingers[1:]:
        shape = blend(0.007 * k, shape, f)
    shape = blend(0.010 * k, shape, fingers[0])
    tip = max(j.tail("LeftHandMiddle3")[0], j["LeftHandMiddle3"][0])
    low = (wrist[0] - 0.05, wrist[1] - 0.06, wrist[2] - 0.075)
    high = (tip + 0.025, wrist[1] + 0.05, wrist[2] + 0.115)
    cell = np.array([0.0078, 0.0060, 0.0046]) * (k / 0.92) ** 0.7
    points, faces = surface_nets(shape, low, high, cell, relax=3)
    piece = Piece("hand", points, faces, ["skin"] * len(faces))
    weights = j.hand(points, faces, 2)
    return [(piece, weights), (piece.mirrored("hand"), mirror_weights(j, weights))]


def build_body(j: Joints, d: BodyDesign) -> list[Weighted]:
    """Everything below the neck."""
    return [*tops(j, d), trousers(j, d), *shoes(j, d), *hands(j, d)]


def _culled(piece: Piece, weights: NDArray[np.float64], hidden: NDArray[np.bool_]) -> Weighted:
    """Without the faces that other cloth always covers."""
    corners = np.unique(piece.faces[~hidden[piece.faces].all(1)])
    piece.drop(hidden)
    return piece, weights[corners]

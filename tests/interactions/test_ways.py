"""What a hand on its way, and on a cheek, keeps off: ribs by its elbow, eyes by its thumb; and wrists that bend no further."""

from __future__ import annotations

import numpy as np
import pytest
from duologue.brief import Interaction
from duologue.evaluation.contact.played import play
from duologue.evaluation.contact.report import Asked, judge
from duologue.evaluation.contact.standing import scene_of_take, standing_take
from duologue.interactions.reach import strain
from duologue.interactions.rest_skin import RestSkin
from duologue.interactions.solve import solve
from duologue.motion.rotations import einsum, exp_to_matrix
from examples_touch import FRAMES, scene


def test_an_elbow_on_its_way_up_to_a_chin_is_not_in_the_own_side(characters) -> None:
    """Only the wrist made way, and Ben's forearm was 33 mm in his own ribs."""
    judged = judge(Asked("pinch-chin", "partner", (characters["ben"], characters["ada"])), 6, None)
    assert judged.body is not None
    assert judged.figures is not None
    assert judged.body.arm_mm < judged.body.arm_before_mm + 5.0
    assert judged.figures.touching == judged.figures.held


@pytest.mark.parametrize("who", ["ada", "ben"])
def test_a_cupping_hand_leaves_the_eye_free(characters, who: str) -> None:
    """From the middle of the lids: an eye is 31 mm from corner to corner, the rest is half a thumb."""
    cast = characters[who], characters["ben" if who == "ada" else "ada"]
    one = play(scene_of_take(cast, standing_take("cup-cheek")), Interaction("cup-cheek", "A", 2.0, 2.8, target="B"))
    rows = one.rows[one.held(one.rows)][::6]
    skin, pose = RestSkin.of(cast[1], "nose"), one.other.pose
    lids = np.array([skin.centre_of(f"eyeBlink{side}") for side in ("Left", "Right")]) - cast[1].rest_point("Head")
    eyes = pose.joint("Head")[rows][:, None] + einsum("tij,ej->tei", pose.turn_of("Head")[rows], lids)
    hand = one.hand(one.hands[0].vertices, rows)
    assert np.linalg.norm(hand[:, :, None] - eyes[:, None], axis=-1).min() > 0.024


@pytest.mark.parametrize("pattern", ["poke-cheek", "pinch-ear"])
def test_no_bone_of_the_arm_snaps_round_on_its_way(characters, pattern: str) -> None:
    """The hand was turned over in the world, and the forearm took half of it: up to 93 degrees from one frame to the next."""
    cast = characters["ada"], characters["ben"]
    track = solve(lambda stretch: scene(cast, 0.52, stretch), FRAMES, [Interaction(pattern, "A", 2.0, 2.6)])
    turns = exp_to_matrix(track.layers[0].rotations.astype(np.float64))
    cosine = (einsum("tkij,tkij->tk", turns[1:], turns[:-1]) - 1) / 2
    assert np.degrees(np.arccos(np.clip(cosine, -1, 1))).max() < 32.0  # 960 degrees a second


@pytest.mark.parametrize(
    ("name", "possible", "broken"),
    [("palm down", 70.0, 95.0), ("thumbwards", -30.0, -50.0), ("thumbwards", 18.0, 40.0), ("rolled", 75.0, 110.0)],
)
def test_what_no_arm_can_do_costs_more_than_anything_else(name: str, possible: float, broken: float) -> None:
    """Flexion 80, radial deviation 20, ulnar 30, pronation and supination 80 (AAOS); a left arm, the forearm level, thumb up."""
    shoulder, elbow, wrist = np.array([0.0, 1.4, 0.0]), np.array([0.0, 1.1, 0.0]), np.array([0.0, 1.1, 0.25])
    neutral = np.stack([[0.0, 0.0, 1.0], [-1.0, 0.0, 0.0], [0.0, 1.0, 0.0]], axis=-1)
    axis = {
        "palm down": np.cross(neutral[:, 0], neutral[:, 1]),
        "thumbwards": np.cross(neutral[:, 0], neutral[:, 2]),
        "rolled": neutral[:, 0],
    }[name]
    costs = [
        float(strain(shoulder, elbow, wrist, exp_to_matrix(np.radians(angle) * axis) @ neutral, 1.0))
        for angle in (0.0, possible, broken)
    ]
    assert costs[0] < 0.1
    assert costs[1] < 6
    assert costs[2] > 40

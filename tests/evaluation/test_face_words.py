"""Where p, b and m of a conversation's words were found, against where they are."""

from __future__ import annotations

import pytest
from duologue.evaluation.face.words import lip_times
from duologue.speech.phones import Phone

TRUE = ((Phone(1.0, 1.1, "M"), Phone(2.0, 2.1, "AA"), Phone(3.0, 3.1, "P")), (Phone(5.0, 5.1, "B"),))


def moved(seconds: float):
    return tuple(tuple(phone.moved(seconds) for phone in phones) for phones in TRUE)


def test_what_lies_where_it_is_said_is_found() -> None:
    report = lip_times([TRUE, moved(0.02)], [TRUE, TRUE])
    assert (report["found"]["value"], report["found"]["count"]) == (1.0, 6), "vowels are no lips"
    assert report["wrong"]["value"] == 0
    assert report["error_ms"] == report["late_ms"] == pytest.approx(10), "half of them by 20 ms"


def test_what_lies_elsewhere_is_not_found_and_wrong_when_far() -> None:
    late = lip_times([moved(0.08)], [TRUE])
    assert (late["found"]["value"], late["wrong"]["value"]) == (0, 0)
    assert late["late_ms"] == pytest.approx(80)
    away = lip_times([moved(0.5)], [TRUE])
    assert (away["found"]["value"], away["wrong"]["value"], away["wrong"]["count"]) == (0, 1, 3)
    assert away["error_ms"] is None
    early = lip_times([moved(-0.03)], [TRUE])
    assert (early["error_ms"], early["late_ms"]) == (pytest.approx(30), pytest.approx(-30))


def test_nothing_is_found_of_nobody() -> None:
    none = lip_times([((), ())], [TRUE])
    assert (none["found"]["value"], none["found"]["count"]) == (0, 3)
    assert none["wrong"]["value"] is None
    swapped = lip_times([(TRUE[1], TRUE[0])], [TRUE])
    assert swapped["found"]["value"] == 0, "each performer by themselves"

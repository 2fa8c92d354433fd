# SPDX-License-Identifier: GPL-3.0-or-later
"""A take that is being made: what was asked for, the windows that have come, and what the characters show of them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import bpy
import numpy as np
from bpy.app.translations import pgettext_iface as _t
from duologue.brief import Brief
from duologue.errors import DuologueError
from duologue.motion.skeleton import Skeleton
from duologue.shots import perform
from duologue.take import Notice, Progress, Take, Track, Window
from duologue.take.edit import Edit
from duologue.take.heard import Listener
from duologue.units import FPS, Sound
from numpy.typing import NDArray

from ..briefing import heard
from ..briefing.heard import Shown
from ..briefing.transcripts import Stretch
from ..cast.casting import cast_both
from ..properties import settings_of
from ..takes import listing, thumbnails
from ..takes.face_tuning import tuning_of
from ..takes.live import LivePose, Playhead
from . import streaming

if TYPE_CHECKING:
    from bpy.types import Image, Scene

PACE = 0.25
"""Seconds between two turns at preparing frames while there are some to show: few at a time cost what many do."""


@dataclass
class Request:
    """One performance: what is asked for, and all that has come of it. It keeps the scene's name, never the scene."""

    scene: str
    brief: Brief
    audio: tuple[Sound, Sound]
    about: listing.About
    remake: tuple[Take, Edit] | None = None
    shown_words: Shown = field(default_factory=dict[str, Sequence[Stretch]])
    """Whose recognised words are shown as texts."""

    stage: str = "Listening"
    began: float = field(default_factory=time.monotonic)
    _windows: list[Window] = field(default_factory=list[Window])
    _heard: Listener = field(default_factory=Listener)
    _skeleton: Skeleton | None = None
    _performance: dict[str, Any] = field(default_factory=dict[str, Any])
    _live: list[LivePose] = field(default_factory=list[LivePose])
    _playhead: Playhead = field(default_factory=Playhead)
    _played: float = 0.0
    _prepare_from: float = 0.0
    _frame: int = -1

    # What the session reads -------------------------------------------------------------------------------------------

    @property
    def frames(self) -> int:
        """How many frames the take will have."""
        return max(sound.frames for sound in self.audio)

    @property
    def frames_done(self) -> int:
        """How many frames of the take have arrived."""
        return self._windows[-1].end if self._windows else 0

    def fraction(self) -> float:
        """Return how much of the take is there, in [0, 1]."""
        return min(1.0, self.frames_done / self.frames)

    def seconds_left(self) -> float | None:
        """Return how long it will still take at the pace so far, or None while that can't be told."""
        done = self.fraction()
        return (time.monotonic() - self.began) * (1 - done) / done if done > 0.02 else None

    def options(self) -> dict[str, Any]:
        """Return what the client is told beside brief and speech."""
        return {"remake": self.remake} if self.remake is not None else {}

    @property
    def frame(self) -> int:
        """Which frame of the take the characters show, -1 before the first."""
        return self._frame

    def shown(self) -> tuple[Skeleton, tuple[Track, Track]] | None:
        """Return the frame that the characters show, of A and B; None before the first."""
        if self._skeleton is None or self._frame < 0:
            return None
        for window in self._windows:
            if self._frame < window.end:
                at = slice(self._frame - window.start, self._frame - window.start + 1)
                return self._skeleton, (window.tracks[0][at], window.tracks[1][at])
        return None

    def cancelled_text(self) -> str:
        """Return how it ended where it was stopped."""
        if not self._windows:
            return _t("Cancelled before anything of it was there")
        text = _t("Cancelled after {seconds:.1f} s of the take; what there is of it is in the list")
        return text.format(seconds=self.frames_done / FPS)

    def done_text(self) -> str:
        """Return how it ended where it came to its end."""
        text = _t("A take of {seconds:.1f} s, made in {made:.1f} s")
        return text.format(seconds=self.frames_done / FPS, made=time.monotonic() - self.began)

    # What happens -----------------------------------------------------------------------------------------------------

    def begin(self, performance: dict[str, Any]) -> None:
        """Get the characters ready, once the server has said what it performs on."""
        self._skeleton = Skeleton.from_json(performance["skeleton"])
        self._performance = performance
        settings = settings_of(self._find())
        self._live = [LivePose(self._skeleton, p, tuning_of(settings, p.name)) for p in cast_both(settings)]
        self.began = self._played = time.monotonic()

    def take(self, event: Progress | Window) -> None:
        """Take what the server sends."""
        if isinstance(event, Progress):
            if event.stage != "words" or not self._windows:  # they come beside the frames
                self.stage = event.stage.capitalize()
            return
        self._windows.append(event)
        for live, track in zip(self._live, event.tracks, strict=True):
            live.expect(track)

    def hear(self, notice: Notice) -> bool:
        """Take a notice; return whether it carried recognised words, which are shown when the take is there."""
        return self._heard.take(notice)

    def play(self) -> None:
        """Show the frame that is due, after a little of the work that frames to come need: all at once would be a jerk."""
        now = time.monotonic()
        ready = min((live.frames for live in self._live), default=0)
        if self._live and (ready <= self._frame + 1 or now >= self._prepare_from):
            live = max(self._live, key=lambda live: live.waiting)
            if live.waiting:
                live.prepare()
                self._prepare_from = now + PACE
                ready = min(live.frames for live in self._live)
        frame = self._playhead.advance(now - self._played, ready)
        self._played = now
        if frame != self._frame and ready:
            self._frame = frame
            self._show(frame)

    def _show(self, frame: int) -> None:
        for live in self._live:
            live.show(frame)
        if (shown := self.shown()) is not None:
            streaming.send_frame(*shown, frame)

    def pause(self) -> None:
        """Put the characters back for a moment: the file is being saved."""
        for live in self._live:
            live.restore()

    def resume(self) -> None:
        """Go on after a pause."""
        for live in self._live:
            live.hold()
        self._frame = -1

    def end(self, *, complete: bool) -> list[str]:
        """Put the characters back and write what there is as a take of its own. Return notes for the animator."""
        if not self._windows or bpy.data.scenes.get(self.scene) is None:
            self.pause()
            self._live = []
            return []
        scene = self._find()
        strip = self._pictures(complete)
        self.pause()
        self._live = []
        for name, stretches in self.shown_words.items():
            heard.show(settings_of(scene), name, self._heard.words(name), stretches)
        return listing.add(scene, self._take_so_far(complete), self.brief, self.audio, self.about, strip=strip)

    def _pictures(self, complete: bool) -> Image | None:
        """Draw the take for the list. Only now: a picture takes longer than a frame of the viewport may."""

        def pose(frame: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
            for live in self._live:
                if frame >= live.frames:
                    live.prepare()
                live.show(frame)
            window = next(window for window in self._windows if frame < window.end)
            a, b = (track.root_translation[frame - window.start] for track in window.tracks)
            return a, b

        moments = [moment for moment in thumbnails.moments(self.frames) if moment < self.frames_done]
        # Whoever cancels wants it over at once: then one picture has to do, of how far it had come.
        return thumbnails.draw(moments if complete else moments[-1:], pose)

    def leave(self) -> None:
        """Forget the scene: it is closed."""
        self.pause()
        self._live, self.scene = [], ""

    def _take_so_far(self, complete: bool) -> Take:
        asked = perform.Request(self.brief, self.audio, remake=self.remake)
        return perform.join(self._performance, asked, self._windows, complete=complete)

    def _find(self) -> Scene:
        scene = bpy.data.scenes.get(self.scene)
        if scene is None:
            raise DuologueError("ABORTED", "scene-gone", f"the scene {self.scene!r} is no longer there")
        return scene

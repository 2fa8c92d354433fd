"""The brief: all that is asked for, one file a part of it."""

from duologue.brief.brief import STRENGTHS, Brief
from duologue.brief.constraints import GazeTarget, HandTarget, PlaceTarget
from duologue.brief.expression import Expression
from duologue.brief.feasibility import MIN_DISTANCE
from duologue.brief.interactions import Interaction
from duologue.brief.performer import PerformerBrief, Start
from duologue.brief.speech import Speech, Transcript, TranscriptFormat
from duologue.brief.timeline import EmotionTimeline, Timeline

__all__ = [
    "MIN_DISTANCE",
    "STRENGTHS",
    "Brief",
    "EmotionTimeline",
    "Expression",
    "GazeTarget",
    "HandTarget",
    "Interaction",
    "PerformerBrief",
    "PlaceTarget",
    "Speech",
    "Start",
    "Timeline",
    "Transcript",
    "TranscriptFormat",
]

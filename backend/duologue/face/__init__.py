"""The face model: both performers' 52 ARKit weights from both performers' speech (InterAct's two-person DiffSpeaker)."""

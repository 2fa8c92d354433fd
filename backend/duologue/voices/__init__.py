"""Synthetic voices that speak a script: text to phones (espeak-ng), phones to sound with exact times (Kokoro, Piper).

The extra ``speak`` brings the library, the network and its style tables; nothing is downloaded when it runs.
"""

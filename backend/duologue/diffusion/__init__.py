"""Diffusion, one copy for every model: the noise schedule, the samplers, guidance, and windows over long clips."""

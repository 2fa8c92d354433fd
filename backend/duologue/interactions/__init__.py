"""Hands that touch: faces, hands, shoulders. Solved after the take, on the characters; numpy alone, in Blender and out of it."""

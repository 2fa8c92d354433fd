"""Touches of a take as moving pictures: solved on the sample characters, posed, drawn as passes, made into pictures."""

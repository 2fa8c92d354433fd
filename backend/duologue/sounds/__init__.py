"""Sound files as people have them: what their containers promise, and which of their channels holds the voice.

Both decoders, libsndfile's (``speech``) and Blender's (the add-on), are handed the same file by this, and held to the same.
"""

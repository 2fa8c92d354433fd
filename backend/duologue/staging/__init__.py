"""How a take is shown: who is filmed when and from where, and what a seated performer sits on. Ships into Blender: numpy only.

``turns`` reads from a take who speaks and who is on the move, ``cut`` makes a list of shots of it, ``camera`` and ``framing``
place a camera for one, ``setups`` for all; ``seats`` finds where hips come down and ``chair`` is what stands there. All of it is
plain geometry in our axes (metres, Y up, +Z forward); ``addon/rendering`` makes objects of it.
"""

"""Many briefs, one folder each: which there are, which are done, and making the rest. Ships into Blender: numpy and pyzmq only.

Shared by ``duologue batch`` and Blender's ``--command duologue --brief``: the same folders, reports, rules and exit codes. (Each
makes the other's shots again: their decoders differ in the last bit of the sound, and a shot is known by its sound.)
"""

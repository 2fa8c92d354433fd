"""A brief, or many, each into a folder of its own. Ships into Blender: numpy and pyzmq only.

``perform`` is the one way from a brief to a folder, for the command line's verbs and for Blender's ``--command duologue``. Many
go through ``queue``, with the same folders, reports, rules and exit codes. (Command line and Blender make each other's shots
again: their decoders differ in the last bit of the sound, and a shot is known by its sound.)
"""

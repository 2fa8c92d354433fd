"""DUO/1: how a client and the Duologue server talk over ZeroMQ.

A message is ``[b"DUO" + major version, JSON header, array, array, ...]``: the header says the message's type and fields and
names every array; the arrays are raw, little-endian, C order. Numpy, pyzmq and the standard library are all it takes, because
this package runs inside Blender. Nothing is ever pickled.

- ``messages``: the messages, one frozen dataclass each; ``codec``: to JSON and back; ``fields``: what may stand in one.
- ``framing``: messages to frames and back, with every bound checked.
- ``windows``: the windows of a take as arrays, and the digest of a stream of them.
- ``connection``: the connection file: where a server is and which keys open it.
- ``client``: the client; ``reactor``: its thread; ``link``, ``transport``: a connection, ``greeting``: what is at its other end;
  ``job``, ``upload``: a performance.
- ``local``: find a server on this machine, or start one and stop it afterwards.
"""

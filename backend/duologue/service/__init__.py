"""The server: a router process that never computes, and a worker process a device that does.

- ``router``: one thread between clients and workers, without torch; ``settings``: where it listens and what it runs.
- ``clients``: the clients' socket and sessions; ``requests``: what they say, message by message.
- ``pool``: the router's side of its workers: start, watch, restart; ``dispatch``: jobs to workers, what comes of them to clients.
- ``registry``: all jobs; ``admission``: what is checked before one is taken; ``jobs``: one job, ``spool``: what it has on disk.
- ``worker``: the worker process: loads a performance once, performs one job at a time; ``inputs``: what it reads.
- ``journal``: what is remembered across restarts. ``auth``: keys and the allow-list. ``logs``.
- ``limits``, ``allowance``, ``descriptors``: what is shared out, and how much of it there is.
- ``serve``: run a server; ``selfcheck``: what the doctor tries; ``bench``: what the wire costs.
- ``faults``, ``soak``, ``proxy``: what a server withstands.
"""

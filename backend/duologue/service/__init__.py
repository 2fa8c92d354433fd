"""The server: a router process that never computes, and a worker process a device that does.

- ``router``: one thread between clients and workers. Imports no torch.
- ``pool``: the router's side of its workers: start, watch, restart.
- ``worker``: the worker process: loads a performance once, performs one job at a time; ``orders``: what it is given.
- ``clients``: sessions; ``book``: all jobs; ``admission``: what is checked before one is taken.
- ``jobs``: a job and its spool on disk; ``journal``: what is remembered across restarts.
- ``auth``: keys, the allow-list; ``limits``; ``health``; ``logs``; ``bench``: what the wire costs.
"""

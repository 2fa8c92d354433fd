"""The router: one thread that speaks with all clients and all workers, and never computes.

Nothing in it waits: windows go to a file as they come from a worker, and from there to their client as far as
its credit goes; a client that is away costs nothing, and finds its windows when it is back.
"""

from __future__ import annotations

import logging
import os
import threading
import time
import uuid
from collections.abc import Callable

import zmq

from duologue import __version__
from duologue.service import auth, logs
from duologue.service.clients import Clients
from duologue.service.dispatch import Dispatch
from duologue.service.pool import Pool
from duologue.service.registry import Registry
from duologue.service.requests import Requests
from duologue.service.settings import Settings
from duologue.wire.connection import Connection

log = logging.getLogger("duologue.router")

TICK_MS = 200


def _guarded(step: Callable[[], None]) -> None:
    """Do one thing of the loop. What goes wrong in it is logged and must not end everybody's performances."""
    try:
        step()
    except Exception:
        log.exception("fault")


class Router:
    """A server in one thread: ``bind``, then ``run`` until it is to stop, then ``close``."""

    def __init__(self, settings: Settings) -> None:
        """Open the journal and the key store.

        Raises:
            DuologueError: the state folder can't be used; FAILED_PRECONDITION ``no-clients``.
        """
        self.settings = settings
        limits, self._instance = settings.limits, uuid.uuid4().hex
        self._keys = auth.KeyStore(settings.state)
        strangers = self._keys.clients()
        auth.check_exposure(settings.host, strangers)
        self.registry = Registry(settings.state, self._instance, limits)
        self._context = zmq.Context()
        self._authority = auth.Authority(self._context)
        for public in strangers.values():
            self._authority.allow(auth.CLIENTS, public)
        self.clients = Clients(self._context, limits)
        self.pool = Pool(
            self._context,
            self._authority,
            devices=settings.devices,
            performance=settings.performance,
            weights=settings.weights,
            limits=limits,
        )
        self._dispatch = Dispatch(self.registry, self.clients, self.pool, limits, self._instance)
        self._requests = Requests(self._dispatch)

    def bind(self) -> Connection:
        """Listen, and return what a client on this machine needs to connect.

        Raises:
            DuologueError: FAILED_PRECONDITION ``port-in-use`` or ``address``.
        """
        host = self.settings.host
        keys = self._keys.server_keys() if self._keys.clients() else auth.KeyPair.new()
        client = auth.KeyPair.new()
        self._authority.allow(auth.CLIENTS, client.public)
        plain = self.settings.plain and auth.is_loopback(host)
        endpoint = self.clients.bind(host, self.settings.port, self._authority, None if plain else keys)
        log.info("listening", extra=logs.facts(endpoint=endpoint, pid=os.getpid(), version=__version__))
        return Connection(
            endpoint.replace("//0.0.0.0:", "//127.0.0.1:"),
            keys.public,
            client.public,
            client.secret,
            version=__version__,
            pid=os.getpid(),
            instance=self._instance,
        )

    def run(self, stop: threading.Event) -> None:
        """Serve until ``stop`` is set."""
        self.pool.start(self._dispatch)
        poller = zmq.Poller()
        poller.register(self.clients.socket, zmq.POLLIN)
        poller.register(self.pool.socket, zmq.POLLIN)
        poller.register(self._authority.socket, zmq.POLLIN)
        due = 0.0
        while not stop.is_set():
            ready = dict(poller.poll(TICK_MS))
            if self._authority.socket in ready:
                _guarded(self._authority.answer)
            if self.clients.socket in ready:
                _guarded(lambda: self.clients.receive(self._requests.handle))
            if self.pool.socket in ready:
                _guarded(self.pool.receive)
            if time.monotonic() >= due:
                self._tick()
                due = time.monotonic() + TICK_MS / 1000

    def _tick(self) -> None:
        _guarded(self.pool.tick)
        now = time.monotonic()
        _guarded(lambda: self.registry.tick(now))
        for job in list(self.registry.jobs.values()):
            _guarded(lambda job=job: self._dispatch.deliver(job))
        _guarded(lambda: self.clients.drop_silent(now))

    def close(self) -> None:
        """End the workers, drop all jobs and give everything back."""
        self.pool.close()
        self.clients.close()
        self._authority.close()
        self.registry.close()
        self._context.term()

"""A counter of visits, kept in Redis."""

import time

TIMEOUT = 1  # seconds, to connect and for an answer
PAUSE = 5  # seconds without a try after a failure, so that pages stay fast without Redis


def connect(url, password=None):
    import redis  # only who has a Redis needs the driver

    return redis.Redis.from_url(
        url, password=password or None, socket_connect_timeout=TIMEOUT, socket_timeout=TIMEOUT, health_check_interval=30
    )


class Cache:
    """A Redis that may be away: then there is no count, and everything else goes on."""

    name = "redis"

    def __init__(self, url, password=None, key="flask-app:visits", client=None, clock=time.monotonic):
        self._client = client or connect(url, password)
        self._key = key
        self._clock = clock
        self._rest_until = clock()

    def check(self):
        """Raise when Redis does not answer; when it does, it is counted with again at once."""
        self._client.ping()
        self._rest_until = self._clock()

    def visit(self):
        """Count a visit and return how many there were, or None when Redis is away."""
        if self._clock() < self._rest_until:
            return None
        try:
            return self._client.incr(self._key)
        except Exception:  # the driver's errors and the socket's alike
            self._rest_until = self._clock() + PAUSE
            return None

"""Whether what the application needs answers, within a bounded time."""

import concurrent.futures
import threading
import time

import failures


class Readiness:
    """Checks every dependency at once. A check that hangs is not started again before it
    ended, so however often someone asks, each dependency is asked by one thread at most."""

    def __init__(self, dependencies, timeout):
        self._dependencies = list(dependencies)
        self._timeout = timeout
        self._lock = threading.Lock()
        self._running = {}
        self._pool = concurrent.futures.ThreadPoolExecutor(
            max_workers=max(1, len(self._dependencies)), thread_name_prefix="ready"
        )

    def check(self):
        """Return what each dependency came to, by name: "ok", or why not."""
        with self._lock:
            for dependency in self._dependencies:
                if dependency.name not in self._running or self._running[dependency.name].done():
                    self._running[dependency.name] = self._pool.submit(dependency.check)
            running = dict(self._running)
        end = time.monotonic() + self._timeout
        return {name: self._await(future, end) for name, future in running.items()}

    @staticmethod
    def _await(future, end):
        try:
            future.result(timeout=max(0.0, end - time.monotonic()))
            return "ok"
        except concurrent.futures.TimeoutError:
            return "no answer in time"
        except Exception as error:  # a driver's own kinds
            return failures.reason(error)

"""Metrics in Prometheus' text format 0.0.4, of one process.

A pod runs one gunicorn worker with threads, so that what is counted here is the pod's; a
client library would be needed only to add up several processes.
"""

import threading

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def labels(pairs):
    """Return {name="value",...}, escaped as the format asks for."""
    if not pairs:
        return ""
    escaped = ((n, str(v).replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")) for n, v in pairs)
    return "{" + ",".join(f'{n}="{v}"' for n, v in escaped) + "}"


class Metrics:
    """Requests by endpoint, and whether dependencies answered when they were asked last."""

    def __init__(self, version):
        self._version = version
        self._lock = threading.Lock()
        self._requests = {}
        self._durations = {}
        self._dependencies = {}

    def request(self, method, endpoint, status, seconds):
        """Note a request that was answered."""
        with self._lock:
            key = (("method", method), ("endpoint", endpoint), ("status", status))
            self._requests[key] = self._requests.get(key, 0) + 1
            counts, total = self._durations.get(endpoint, ((0,) * (len(BUCKETS) + 1), 0.0))
            counts = tuple(c + (i == len(BUCKETS) or seconds <= BUCKETS[i]) for i, c in enumerate(counts))
            self._durations[endpoint] = (counts, total + seconds)

    def dependencies(self, checks):
        """Note what a look at the dependencies came to."""
        with self._lock:
            self._dependencies = {name: int(told == "ok") for name, told in checks.items()}

    def text(self):
        """Return everything, as a scrape wants it."""
        with self._lock:
            lines = ["# HELP flask_app_info The version that runs.", "# TYPE flask_app_info gauge"]
            lines.append(f"flask_app_info{labels([('version', self._version)])} 1")
            lines += ["# HELP flask_app_requests_total Requests answered.", "# TYPE flask_app_requests_total counter"]
            lines += [f"flask_app_requests_total{labels(key)} {n}" for key, n in sorted(self._requests.items())]
            lines += self._histogram()
            if self._dependencies:
                lines += ["# HELP flask_app_dependency_up Whether it answered when /ready asked last.",
                          "# TYPE flask_app_dependency_up gauge"]
            for name, up in sorted(self._dependencies.items()):
                lines.append(f"flask_app_dependency_up{labels([('dependency', name)])} {up}")
        return "\n".join(lines) + "\n"

    def _histogram(self):
        name = "flask_app_request_duration_seconds"
        lines = [f"# HELP {name} Time until the answer was there.", f"# TYPE {name} histogram"]
        for endpoint, (counts, total) in sorted(self._durations.items()):
            for bound, count in zip(BUCKETS + ("+Inf",), counts):
                lines.append(f"{name}_bucket{labels([('endpoint', endpoint), ('le', bound)])} {count}")
            of = labels([("endpoint", endpoint)])
            lines += [f"{name}_sum{of} {total:.6f}", f"{name}_count{of} {counts[-1]}"]
        return lines

"""How gunicorn serves the application inside a container."""

import os

from gunicorn import glogging

bind = "0.0.0.0:" + os.environ.get("PORT", "5000")

# One process, so that its metrics are the pod's; more pods instead of more workers.
workers = 1
threads = int(os.environ.get("WEB_THREADS", "4"))

# The root file system is read-only: gunicorn's heartbeat file lives in memory.
worker_tmp_dir = "/dev/shm"

# Kubernetes sends SIGTERM and waits 30 s; requests in flight get 20 of them.
graceful_timeout = 20
timeout = 30

accesslog = "-"
errorlog = "-"
access_log_format = '%(h)s "%(r)s" %(s)s %(b)s %(L)ss'


class Logger(glogging.Logger):
    """Leaves out probes and scrapes: they come every few seconds for ever, and would push what
    matters out of sight. Why a pod is not ready is told by the application, once."""

    def access(self, resp, req, environ, request_time):
        if req.path not in ("/health", "/ready", "/metrics"):
            super().access(resp, req, environ, request_time)


logger_class = Logger

"""How gunicorn serves the application inside a container."""

bind = "0.0.0.0:5000"
workers = 1
threads = 4

# The root file system is read-only: gunicorn's heartbeat file lives in memory.
worker_tmp_dir = "/dev/shm"

# Kubernetes sends SIGTERM and waits 30 s; requests in flight get 20 of them.
graceful_timeout = 20
timeout = 30

accesslog = "-"
errorlog = "-"
access_log_format = '%(h)s "%(r)s" %(s)s %(b)s %(L)ss'

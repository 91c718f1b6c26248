"""Where the application's configuration comes from, and in which order.

Defaults, then the Python file of upper-case names the chart mounts, then the environment.
Flask reads the file itself (from_pyfile) when the process starts; a change of it therefore
needs new pods, and the chart's checksum/config annotation makes them. What is secret comes
from the environment only, each as a variable of its own, so that no URL has to hold one.
"""

import os

DEFAULT_FILE = "/app/config/config.py"

DEFAULTS = {
    "MESSAGE": "Hello from Flask",
    "VERSION": "unset",
    "LOG_LEVEL": "INFO",
    # postgresql://user@host:port/database?sslmode=require; empty: there is none.
    "DATABASE_URL": "",
    # redis://host:port/0 or rediss://...; empty: there is none.
    "REDIS_URL": "",
    "REDIS_KEY": "flask-app:visits",
    # The model file on the persistent volume; empty: there is none.
    "MODEL_PATH": "",
    # Seconds /ready may take for all its checks together.
    "READY_TIMEOUT": 2.0,
    # Nobody has to send more than a short note.
    "MAX_CONTENT_LENGTH": 64 * 1024,
}

# The variables that are read, by what makes their value of the text.
ENVIRONMENT = {
    "MESSAGE": str,
    "VERSION": str,
    "LOG_LEVEL": str,
    "SECRET_KEY": str,
    "DATABASE_URL": str,
    "DATABASE_PASSWORD": str,
    "REDIS_URL": str,
    "REDIS_PASSWORD": str,
    "REDIS_KEY": str,
    "MODEL_PATH": str,
    "READY_TIMEOUT": float,
}


def load(config, path=None, environ=os.environ):
    """Fill a Flask config. A mistake stops the start: a pod that ignored its configuration
    would look healthy and be wrong."""
    config.from_mapping(DEFAULTS)
    path = path or environ.get("APP_CONFIG", DEFAULT_FILE)
    # Only a missing file leaves the defaults, so that the image runs by itself.
    config.from_pyfile(path, silent=not os.path.exists(path))
    for name, parse in ENVIRONMENT.items():
        text = environ.get(name, "")
        if not text:
            continue
        try:
            config[name] = parse(text)
        except ValueError:
            # Without the text: it may be a secret that stands in the wrong place.
            raise ValueError(f"environment variable {name} is no {parse.__name__}") from None

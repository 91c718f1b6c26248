"""The reference application: one message, told with the version that tells it.

Configuration is a Python file of upper-case names, mounted by the chart at
/app/config/config.py and read once at start through Flask's own from_pyfile. A change
of the file therefore needs new pods; the chart's checksum/config annotation makes them.
"""

import os

from flask import Flask, jsonify, request

DEFAULT_CONFIG = "/app/config/config.py"


def create_app(config_path=None):
    """Return the application configured from config_path, or from the mounted file."""
    app = Flask(__name__)
    app.config.from_mapping(MESSAGE="Hello from Flask", VERSION="unset")

    # A missing file leaves the defaults, so that the image runs by itself. A file that
    # is there and cannot be read or is not Python stops the start: a pod that ignores
    # its configuration would look healthy and be wrong.
    path = config_path or os.environ.get("APP_CONFIG", DEFAULT_CONFIG)
    app.config.from_pyfile(path, silent=not os.path.exists(path))

    @app.get("/")
    def index():
        message, version = app.config["MESSAGE"], app.config["VERSION"]
        best = request.accept_mimetypes.best_match(["text/plain", "application/json"])
        if best == "application/json":
            return jsonify(message=message, version=version)
        return f"{message} (version {version})\n", 200, {"Content-Type": "text/plain; charset=utf-8"}

    @app.get("/health")
    def health():
        return jsonify(status="ok", version=app.config["VERSION"])

    return app


app = create_app()

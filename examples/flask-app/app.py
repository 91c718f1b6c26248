"""The reference application: one message, told with the version that tells it; visits counted
in Redis, notes in PostgreSQL and a model on a volume, each where there is one."""

import logging
import time

from flask import Flask, g, jsonify, request

import failures
import settings
from cache import Cache
from database import Database
from metrics import CONTENT_TYPE, Metrics
from model import Model, ModelError
from readiness import Readiness

LONGEST_NOTE = 1000


def create_app(config_path=None, cache=None, database=None):
    """Return the application configured from config_path, or from the mounted file. A test
    hands in its own cache or database."""
    app = Flask(__name__)
    settings.load(app.config, config_path)
    app.logger.setLevel(app.config["LOG_LEVEL"].upper())
    config = app.config
    if cache is None and config["REDIS_URL"]:
        cache = Cache(config["REDIS_URL"], config.get("REDIS_PASSWORD"), config["REDIS_KEY"])
    if database is None and config["DATABASE_URL"]:
        database = Database(config["DATABASE_URL"], config.get("DATABASE_PASSWORD"))
    metrics = Metrics(config["VERSION"])

    observe(app, metrics)
    serve_message(app, cache)
    serve_operations(app, metrics, [d for d in (database, cache) if d is not None])
    if database is not None:
        serve_notes(app, database)
    if config["MODEL_PATH"]:
        serve_model(app, Model(config["MODEL_PATH"]))
    return app


def observe(app, metrics):
    """Count requests by the function that answers, not by path: paths are the visitors'."""

    @app.before_request
    def begin():
        g.began = time.monotonic()

    @app.after_request
    def end(response):
        seconds = time.monotonic() - g.get("began", time.monotonic())
        method = request.method if request.method in ("GET", "HEAD", "POST", "OPTIONS") else "other"
        metrics.request(method, request.endpoint or "none", response.status_code, seconds)
        return response


def serve_message(app, cache):
    @app.get("/")
    def index():
        message, version = app.config["MESSAGE"], app.config["VERSION"]
        visits = cache.visit() if cache is not None else None
        best = request.accept_mimetypes.best_match(["text/plain", "application/json"])
        if best == "application/json":
            counted = {} if cache is None else {"visits": visits}
            return jsonify(message=message, version=version, **counted)
        counted = "" if visits is None else f", visit {visits}"
        return f"{message} (version {version}){counted}\n", 200, {"Content-Type": "text/plain; charset=utf-8"}


def serve_operations(app, metrics, dependencies):
    readiness = Readiness(dependencies, app.config["READY_TIMEOUT"])
    told = {}

    @app.get("/health")
    def health():
        # Of this process alone: restarting it mends nothing that others lack.
        return jsonify(status="ok", version=app.config["VERSION"])

    @app.get("/ready")
    def ready():
        checks = readiness.check()
        metrics.dependencies(checks)
        failed = sorted(name for name, came_to in checks.items() if came_to != "ok")
        if checks != told.get("checks"):  # a line when something changed, not one a probe
            told["checks"] = checks
            for name in failed:
                app.logger.warning("not ready: %s: %s", name, checks[name])
        if failed:
            return jsonify(status="not ready", checks=checks, failed=failed), 503
        return jsonify(status="ready", checks=checks)

    @app.get("/metrics")
    def scrape():
        return metrics.text(), 200, {"Content-Type": CONTENT_TYPE}


def serve_notes(app, database):
    def failed(error):
        told = failures.reason(error)
        app.logger.warning("notes: %s", told)
        return jsonify(error=f"the database does not answer: {told}"), 503

    @app.get("/notes")
    def notes():
        try:
            return jsonify(notes=database.latest())
        except Exception as error:  # a driver's own kinds
            return failed(error)

    @app.post("/notes")
    def add_note():
        body = request.get_json(silent=True)
        text = body.get("text") if isinstance(body, dict) else None
        if not isinstance(text, str) or not text.strip() or len(text) > LONGEST_NOTE or "\0" in text:
            return jsonify(error=f'send {{"text": "..."}} of 1 to {LONGEST_NOTE} characters'), 400
        try:
            return jsonify(id=database.add(text)), 201
        except Exception as error:
            return failed(error)


def serve_model(app, model):
    def failed(error):
        return jsonify(error=str(error)), 503

    @app.get("/model")
    def describe():
        try:
            return jsonify(model.describe())
        except ModelError as error:
            return failed(error)

    @app.post("/predict")
    def predict():
        body = request.get_json(silent=True)
        if not isinstance(body, dict) or "features" not in body:
            return jsonify(error='send {"features": {"name": number, ...}}'), 400
        try:
            model.describe()
        except ModelError as error:
            return failed(error)
        try:
            return jsonify(prediction=model.predict(body["features"]))
        except ModelError as error:
            return jsonify(error=str(error)), 400


app = create_app()

"""A model read from the persistent volume: a linear one, as JSON. Not a pickle: reading one
runs whatever it says, and a volume may be written by others.

    {"name": "price", "bias": 1.5, "weights": {"rooms": 2.0, "distance": -0.5}}
"""

import json
import math
import numbers
import os
import threading

MOST = 16 << 20  # bytes


class ModelError(Exception):
    """What is wrong with a model or with what it is asked, to be told as it is."""


def number(value, name):
    if isinstance(value, bool) or not isinstance(value, numbers.Real) or not math.isfinite(value):
        raise ModelError(f"{name} is no number")
    return float(value)


class Model:
    """The file at path, read again when it was replaced."""

    def __init__(self, path):
        self._path = path
        self._lock = threading.Lock()
        self._seen = self._model = None

    def describe(self):
        """Return name and features."""
        model = self._read()
        return {"name": model["name"], "features": sorted(model["weights"])}

    def predict(self, features):
        """Return the model's value for a number by feature; one that is missing counts as 0."""
        model = self._read()
        if not isinstance(features, dict):
            raise ModelError("features is no object")
        unknown = sorted(set(features) - set(model["weights"]))
        if unknown:
            raise ModelError(f"the model has no feature {unknown[0]!r}")
        return model["bias"] + sum(number(v, f"feature {k!r}") * model["weights"][k] for k, v in features.items())

    def _read(self):
        with self._lock:
            try:
                stat = os.stat(self._path)
                seen = (stat.st_ino, stat.st_mtime_ns, stat.st_size)
                if seen != self._seen:
                    self._model = self._parse(stat.st_size)
                    self._seen = seen
            except FileNotFoundError:
                raise ModelError("there is no model file") from None
            except OSError as error:
                raise ModelError(f"the model file cannot be read: {error.strerror}") from None
            return self._model

    def _parse(self, size):
        if size > MOST:
            raise ModelError(f"the model file is larger than {MOST >> 20} MiB")
        with open(self._path, encoding="utf-8") as file:
            try:
                raw = json.loads(file.read(MOST + 1))
            except (ValueError, RecursionError):
                raise ModelError("the model file is no JSON") from None
        if not isinstance(raw, dict) or not isinstance(raw.get("weights"), dict):
            raise ModelError("the model file has no weights")
        weights = {str(k): number(v, f"weight {k!r}") for k, v in raw["weights"].items()}
        return {"name": str(raw.get("name", "")), "bias": number(raw.get("bias", 0), "bias"), "weights": weights}

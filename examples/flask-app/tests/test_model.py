"""The model on the volume."""

import json
import os
import tempfile
import unittest

from app import create_app

PRICE = {"name": "price", "bias": 1.5, "weights": {"rooms": 2, "distance": -0.5}}


class ModelTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = os.path.join(folder.name, "model.json")
        config = os.path.join(folder.name, "config.py")
        with open(config, "w", encoding="utf-8") as file:
            file.write(f"MODEL_PATH = {self.path!r}\n")
        self.client = create_app(config).test_client()

    def write(self, text):
        with open(self.path + ".new", "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(self.path + ".new", self.path)

    def predict(self, features):
        return self.client.post("/predict", json={"features": features})

    def test_predicts(self):
        self.write(json.dumps(PRICE))
        self.assertEqual(self.client.get("/model").get_json(), {"name": "price", "features": ["distance", "rooms"]})
        self.assertEqual(self.predict({"rooms": 3, "distance": 1}).get_json(), {"prediction": 7.0})
        self.assertEqual(self.predict({}).get_json(), {"prediction": 1.5})

    def test_a_replaced_file_is_read_again(self):
        self.write(json.dumps(PRICE))
        self.predict({})
        self.write(json.dumps(dict(PRICE, bias=40)))
        self.assertEqual(self.predict({"rooms": 1}).get_json(), {"prediction": 42.0})

    def test_no_file_fails_this_page_and_no_other(self):
        answer = self.client.get("/model")
        self.assertEqual((answer.status_code, answer.get_json()), (503, {"error": "there is no model file"}))
        self.assertEqual(self.client.get("/ready").status_code, 200)

    def test_bad_files_are_refused(self):
        for text in ("", "{", "[]", '{"weights": 1}', '{"weights": {"a": "b"}}', '{"weights": {}, "bias": NaN}', "[" * 100000):
            self.write(text)
            self.assertEqual(self.predict({}).status_code, 503, text[:40])

    def test_bad_features_are_refused(self):
        self.write(json.dumps(PRICE))
        for features in ({"size": 1}, {"rooms": "3"}, {"rooms": True}, [1], None):
            self.assertEqual(self.predict(features).status_code, 400, features)


if __name__ == "__main__":
    unittest.main()

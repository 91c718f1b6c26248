"""Run with: python3 -m unittest tests.test_app"""

import os
import tempfile
import unittest

from app import create_app


class AppTest(unittest.TestCase):
    def client(self, config):
        with tempfile.NamedTemporaryFile("w", suffix=".py", delete=False) as file:
            file.write(config)
        self.addCleanup(os.unlink, file.name)
        return create_app(file.name).test_client()

    def test_message_and_version_come_from_the_file(self):
        answer = self.client('MESSAGE = "Hello from dev"\nVERSION = "1.2.3"\n').get("/")
        self.assertEqual(answer.status_code, 200)
        self.assertEqual(answer.get_data(as_text=True), "Hello from dev (version 1.2.3)\n")

    def test_json_for_who_asks_for_it(self):
        client = self.client('MESSAGE = "Hi"\nVERSION = "2"\n')
        answer = client.get("/", headers={"Accept": "application/json"})
        self.assertEqual(answer.get_json(), {"message": "Hi", "version": "2"})

    def test_health(self):
        answer = self.client('VERSION = "2"\n').get("/health")
        self.assertEqual((answer.status_code, answer.get_json()), (200, {"status": "ok", "version": "2"}))

    def test_no_file_leaves_the_defaults(self):
        self.assertIn("Hello", create_app("/nonexistent/config.py").test_client().get("/").get_data(as_text=True))

    def test_a_broken_file_stops_the_start(self):
        with self.assertRaises(SyntaxError):
            self.client("MESSAGE = \n")


if __name__ == "__main__":
    unittest.main()

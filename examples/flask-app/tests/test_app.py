"""Pages, configuration and what happens without dependencies. Run: python3 -m unittest"""

import os
import tempfile
import unittest
from unittest import mock

from app import create_app
from cache import Cache


class Away:
    """A dependency that fails with what a driver would say, its connection string included."""

    def __init__(self, name, says="could not connect: connection refused for app:hunter2@db"):
        self.name, self._says = name, says

    def _fail(self, *_):
        raise RuntimeError(self._says)

    check = latest = add = incr = ping = _fail


class Here:
    """A dependency that answers, and keeps what it is given."""

    def __init__(self, name):
        self.name, self._notes, self._count = name, [], 0

    def check(self):
        pass

    ping = check

    def add(self, text):
        self._notes.insert(0, {"id": len(self._notes) + 1, "text": text, "created": "2026-01-01T00:00:00+00:00"})
        return len(self._notes)

    def latest(self):
        return self._notes

    def incr(self, _key):
        self._count += 1
        return self._count


class AppTest(unittest.TestCase):
    def app(self, config="", **dependencies):
        with tempfile.NamedTemporaryFile("w", suffix=".py", delete=False) as file:
            file.write("READY_TIMEOUT = 30.0\n" + config)
        self.addCleanup(os.unlink, file.name)
        return create_app(file.name, **dependencies)

    def client(self, config="", **dependencies):
        return self.app(config, **dependencies).test_client()


class MessageTest(AppTest):
    def test_message_and_version_come_from_the_file(self):
        answer = self.client('MESSAGE = "Hello from dev"\nVERSION = "1.2.3"\n').get("/")
        self.assertEqual(answer.status_code, 200)
        self.assertEqual(answer.get_data(as_text=True), "Hello from dev (version 1.2.3)\n")

    def test_json_for_who_asks_for_it(self):
        client = self.client('MESSAGE = "Hi"\nVERSION = "2"\n')
        answer = client.get("/", headers={"Accept": "application/json"})
        self.assertEqual(answer.get_json(), {"message": "Hi", "version": "2"})

    def test_the_environment_wins_over_the_file(self):
        with mock.patch.dict(os.environ, {"MESSAGE": "Hello from the environment"}):
            answer = self.client('MESSAGE = "Hello from the file"\n').get("/")
        self.assertIn("Hello from the environment", answer.get_data(as_text=True))

    def test_no_file_leaves_the_defaults(self):
        self.assertIn("Hello", create_app("/nonexistent/config.py").test_client().get("/").get_data(as_text=True))

    def test_a_broken_file_stops_the_start(self):
        with self.assertRaises(SyntaxError):
            self.client("MESSAGE = \n")

    def test_a_broken_variable_stops_the_start_and_is_not_repeated(self):
        with mock.patch.dict(os.environ, {"READY_TIMEOUT": "hunter2"}):
            with self.assertRaisesRegex(ValueError, "READY_TIMEOUT is no float$"):
                self.client()

    def test_visits_are_counted(self):
        client = self.client(cache=Cache("", client=Here("redis")))
        client.get("/")
        self.assertIn(", visit 2\n", client.get("/").get_data(as_text=True))
        answer = client.get("/", headers={"Accept": "application/json"})
        self.assertEqual(answer.get_json()["visits"], 3)

    def test_without_redis_the_message_is_told_all_the_same(self):
        client = self.client('VERSION = "2"\n', cache=Cache("", client=Away("redis")))
        self.assertEqual(client.get("/").get_data(as_text=True), "Hello from Flask (version 2)\n")
        answer = client.get("/", headers={"Accept": "application/json"})
        self.assertEqual((answer.status_code, answer.get_json()["visits"]), (200, None))


class CacheTest(unittest.TestCase):
    def test_a_failure_is_followed_by_a_pause(self):
        now = [0.0]
        client = mock.Mock()
        client.incr.side_effect = [RuntimeError("away"), 1, 2]
        cache = Cache("", client=client, clock=lambda: now[0])
        self.assertIsNone(cache.visit())
        self.assertIsNone(cache.visit())
        self.assertEqual(client.incr.call_count, 1)
        now[0] += 5
        self.assertEqual(cache.visit(), 1)

    def test_a_check_that_succeeds_ends_the_pause(self):
        client = mock.Mock()
        client.incr.side_effect = [RuntimeError("away"), 1]
        cache = Cache("", client=client, clock=lambda: 0.0)
        self.assertIsNone(cache.visit())
        cache.check()
        self.assertEqual(cache.visit(), 1)


class OperationsTest(AppTest):
    def test_health_is_of_the_process_alone(self):
        client = self.client('VERSION = "2"\n', cache=Cache("", client=Away("redis")), database=Away("postgresql"))
        answer = client.get("/health")
        self.assertEqual((answer.status_code, answer.get_json()), (200, {"status": "ok", "version": "2"}))

    def test_ready_without_dependencies(self):
        answer = self.client().get("/ready")
        self.assertEqual((answer.status_code, answer.get_json()), (200, {"status": "ready", "checks": {}}))

    def test_ready_with_dependencies(self):
        answer = self.client(cache=Cache("", client=Here("redis")), database=Here("postgresql")).get("/ready")
        self.assertEqual(answer.status_code, 200)
        self.assertEqual(answer.get_json()["checks"], {"postgresql": "ok", "redis": "ok"})

    def test_ready_names_what_failed_and_no_credentials(self):
        app = self.app(cache=Cache("", client=Here("redis")), database=Away("postgresql"))
        with self.assertLogs(app.logger, "WARNING") as logs:
            answer = app.test_client().get("/ready")
        self.assertEqual(answer.status_code, 503)
        self.assertEqual(answer.get_json()["failed"], ["postgresql"])
        self.assertEqual(answer.get_json()["checks"], {"postgresql": "connection refused", "redis": "ok"})
        self.assertNotIn("hunter2", answer.get_data(as_text=True) + "".join(logs.output))

    def test_metrics(self):
        client = self.client('VERSION = "a\\"b"\n', database=Away("postgresql"))
        client.get("/")
        client.get("/no/such/page")
        client.get("/ready")
        answer = client.get("/metrics")
        text = answer.get_data(as_text=True)
        self.assertTrue(answer.content_type.startswith("text/plain; version=0.0.4"))
        for line in (
            'flask_app_info{version="a\\"b"} 1',
            'flask_app_requests_total{method="GET",endpoint="index",status="200"} 1',
            'flask_app_requests_total{method="GET",endpoint="none",status="404"} 1',
            'flask_app_request_duration_seconds_bucket{endpoint="index",le="+Inf"} 1',
            'flask_app_request_duration_seconds_count{endpoint="index"} 1',
            'flask_app_dependency_up{dependency="postgresql"} 0',
        ):
            self.assertIn(line, text.splitlines())


class NotesTest(AppTest):
    def test_a_note_is_kept(self):
        client = self.client(database=Here("postgresql"))
        answer = client.post("/notes", json={"text": "buy milk"})
        self.assertEqual((answer.status_code, answer.get_json()), (201, {"id": 1}))
        self.assertEqual(client.get("/notes").get_json()["notes"][0]["text"], "buy milk")

    def test_bad_notes_are_refused(self):
        client = self.client(database=Here("postgresql"))
        for body in ({}, {"text": ""}, {"text": 7}, {"text": "x" * 1001}, {"text": "a\0b"}, ["text"]):
            self.assertEqual(client.post("/notes", json=body).status_code, 400, body)
        self.assertEqual(client.post("/notes", data="{").status_code, 400)
        large = client.post("/notes", data="x" * 70000, content_type="application/json")
        self.assertIn(large.status_code, (400, 413))  # as the version of Flask has it

    def test_a_database_that_is_away_is_told_without_credentials(self):
        client = self.client(database=Away("postgresql"))
        for answer in (client.get("/notes"), client.post("/notes", json={"text": "x"})):
            self.assertEqual(answer.status_code, 503)
            self.assertEqual(answer.get_json()["error"], "the database does not answer: connection refused")

    def test_without_a_database_there_are_no_notes(self):
        self.assertEqual(self.client().get("/notes").status_code, 404)


if __name__ == "__main__":
    unittest.main()

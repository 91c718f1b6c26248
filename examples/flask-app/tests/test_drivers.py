"""What the real drivers do with servers that are away or do not answer. Skipped without them."""

import contextlib
import importlib.util
import io
import os
import socket
import tempfile
import threading
import unittest

import migrate
from app import create_app
from cache import Cache
from database import Database
from readiness import Readiness


def needs(driver):
    return unittest.skipUnless(importlib.util.find_spec(driver), f"needs python3-{driver}")


def silent_server(test):
    """Listens and never answers; returns its port."""
    server = socket.create_server(("127.0.0.1", 0))
    test.addCleanup(server.close)
    return server.getsockname()[1]


def closed_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


class ReadyTest(unittest.TestCase):
    def ready(self, config):
        with tempfile.NamedTemporaryFile("w", suffix=".py", delete=False) as file:
            # The drivers' own limits are shorter.
            file.write("READY_TIMEOUT = 30.0\n" + config)
        self.addCleanup(os.unlink, file.name)
        return create_app(file.name).test_client().get("/ready")

    @needs("psycopg2")
    def test_postgresql_refuses(self):
        answer = self.ready(f'DATABASE_URL = "postgresql://app:hunter2@127.0.0.1:{closed_port()}/app"\n')
        self.assertEqual((answer.status_code, answer.get_json()["checks"]), (503, {"postgresql": "connection refused"}))

    @needs("psycopg2")
    def test_postgresql_does_not_answer(self):
        answer = self.ready(f'DATABASE_URL = "postgresql://app:hunter2@127.0.0.1:{silent_server(self)}/app"\n')
        self.assertEqual((answer.status_code, answer.get_json()["checks"]), (503, {"postgresql": "no answer in time"}))

    @needs("psycopg2")
    def test_a_broken_url_is_not_repeated(self):
        answer = self.ready('DATABASE_URL = "postgresql://app:hunter2@[broken/app"\n')
        self.assertEqual(answer.status_code, 503)
        self.assertNotIn("hunter2", answer.get_data(as_text=True))

    @needs("redis")
    def test_redis_refuses(self):
        answer = self.ready(f'REDIS_URL = "redis://:hunter2@127.0.0.1:{closed_port()}/0"\n')
        self.assertEqual((answer.status_code, answer.get_json()["checks"]), (503, {"redis": "connection refused"}))

    @needs("redis")
    def test_redis_does_not_answer(self):
        answer = self.ready(f'REDIS_URL = "redis://:hunter2@127.0.0.1:{silent_server(self)}/0"\n')
        self.assertEqual((answer.status_code, answer.get_json()["checks"]), (503, {"redis": "no answer in time"}))

    @needs("redis")
    def test_redis_refuses_the_password(self):
        server = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(server.close)

        def serve():
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    with connection:
                        connection.recv(4096)
                        connection.sendall(b"-WRONGPASS invalid username-password pair or user is disabled.\r\n")

        threading.Thread(target=serve, daemon=True).start()
        cache = Cache(f"redis://127.0.0.1:{server.getsockname()[1]}/0", "hunter2")
        self.assertIsNone(cache.visit())
        answer = self.ready(f'REDIS_URL = "redis://127.0.0.1:{server.getsockname()[1]}/0"\nREDIS_PASSWORD = "hunter2"\n')
        self.assertEqual(answer.get_json()["checks"], {"redis": "authentication failed"})

    def test_a_check_that_hangs_is_waited_for_no_longer_than_allowed(self):
        ended = threading.Event()
        self.addCleanup(ended.set)

        started = []

        class Hangs:
            name = "postgresql"

            def check(self):
                started.append(1)
                ended.wait()

        readiness = Readiness([Hangs()], 0.05)
        for _ in range(3):
            self.assertEqual(readiness.check(), {"postgresql": "no answer in time"})
        ended.set()
        readiness._pool.shutdown()  # waits for what was queued behind the first
        self.assertEqual(len(started), 1)  # one check, however many ask


class FakeConnection:
    """As much of a driver's connection as Database uses."""

    def __init__(self, works=True):
        self.works, self.closed = works, False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return False

    def cursor(self):
        return self

    def execute(self, *_):
        if not self.works:
            raise RuntimeError("server closed the connection unexpectedly")

    def fetchone(self):
        return (7,)

    def close(self):
        self.closed = True


class ConnectionsTest(unittest.TestCase):
    def test_connections_are_kept_and_broken_ones_replaced(self):
        opened = []

        def open_connection(_url, _password):
            opened.append(FakeConnection())
            return opened[-1]

        database = Database("", open_connection=open_connection)
        self.assertEqual(database.add("x"), 7)
        self.assertEqual(database.add("y"), 7)
        self.assertEqual(len(opened), 1)
        opened[0].works = False  # the server was restarted
        self.assertEqual(database.add("z"), 7)
        self.assertTrue(opened[0].closed)
        self.assertEqual(len(opened), 2)

    def test_a_failed_connection_is_closed(self):
        connection = FakeConnection(works=False)
        database = Database("", open_connection=lambda _url, _password: connection)
        with self.assertRaises(RuntimeError):
            database.check()
        self.assertTrue(connection.closed)


class MigrateTest(unittest.TestCase):
    def run_main(self, environ):
        said = io.StringIO()
        with contextlib.redirect_stderr(said):
            return migrate.main(environ), said.getvalue()

    def test_without_a_database(self):
        self.assertEqual(self.run_main({}), (1, "DATABASE_URL is not set: there is nothing to migrate\n"))

    @needs("psycopg2")
    def test_gives_up_and_says_why_once(self):
        url = f"postgresql://app:hunter2@127.0.0.1:{closed_port()}/app"
        got = self.run_main({"DATABASE_URL": url, "MIGRATE_WAIT": "0.1"})
        self.assertEqual(got, (1, "the database does not answer: connection refused\n"))


if __name__ == "__main__":
    unittest.main()

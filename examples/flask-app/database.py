"""Notes, as rows in PostgreSQL. The table is made by migrate.py, not by the application."""

import contextlib
import queue

# Seconds: to connect (the least libpq knows is 2), and for one statement.
CONNECT_TIMEOUT = 2
STATEMENT_TIMEOUT = 2


def connect(url, password=None, statement_timeout=STATEMENT_TIMEOUT):
    """Open a connection that gives up instead of waiting for ever; 0 lets statements take their time."""
    import psycopg2  # only who has a database needs the driver

    more = {"password": password} if password else {}
    return psycopg2.connect(
        url,
        connect_timeout=CONNECT_TIMEOUT,
        tcp_user_timeout=1000 * CONNECT_TIMEOUT,
        options=f"-c statement_timeout={statement_timeout}s",
        application_name="flask-app",
        **more,
    )


class Database:
    """A database whose connections are opened when they are needed and kept for the next."""

    name = "postgresql"

    def __init__(self, url, password=None, most=4, open_connection=connect):
        self._open = lambda: open_connection(url, password)
        self._idle = queue.LifoQueue(maxsize=most)

    def check(self):
        """Raise when the database does not answer."""
        with self._cursor() as cursor:
            cursor.execute("SELECT 1")

    def add(self, text):
        """Store a note and return its number."""
        with self._cursor() as cursor:
            cursor.execute("INSERT INTO notes (text) VALUES (%s) RETURNING id", (text,))
            return cursor.fetchone()[0]

    def latest(self, most=20):
        """Return the newest notes."""
        with self._cursor() as cursor:
            cursor.execute("SELECT id, text, created FROM notes ORDER BY id DESC LIMIT %s", (most,))
            return [{"id": row[0], "text": row[1], "created": row[2].isoformat()} for row in cursor.fetchall()]

    @contextlib.contextmanager
    def _cursor(self):
        """One transaction. A connection that failed is closed, never kept."""
        connection = self._take()
        try:
            with connection, connection.cursor() as cursor:
                yield cursor
        except BaseException:
            connection.close()
            raise
        try:
            self._idle.put_nowait(connection)
        except queue.Full:
            connection.close()

    def _take(self):
        """Return a connection that answers: an idle one may be of a server that restarted."""
        while True:
            try:
                connection = self._idle.get_nowait()
            except queue.Empty:
                return self._open()
            try:
                with connection, connection.cursor() as cursor:
                    cursor.execute("SELECT 1")
                return connection
            except Exception:  # whatever it is, another connection will tell
                connection.close()

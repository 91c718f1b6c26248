"""Brings the database to what this version of the application expects; the chart runs it as a
hook. Run twice, or by two at once, it does the same as once: a lock and a table of what was
done see to that."""

import os
import sys
import time

import database
import failures

# In this order; one that was released is never changed. Each has to suit the version before
# it too: that one goes on serving while this runs, and after a rollback.
MIGRATIONS = (
    "CREATE TABLE notes (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
    " text text NOT NULL, created timestamptz NOT NULL DEFAULT now())",
)

LOCK = 7263514  # any number, but always the same


def migrate(connection):
    """Apply what is missing in one transaction and return how many that were."""
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
        cursor.execute("CREATE TABLE IF NOT EXISTS schema_migrations (version int PRIMARY KEY,"
                       " applied timestamptz NOT NULL DEFAULT now())")
        cursor.execute("SELECT coalesce(max(version), 0) FROM schema_migrations")
        done = cursor.fetchone()[0]
        for version, statement in enumerate(MIGRATIONS[done:], start=done + 1):
            cursor.execute(statement)
            cursor.execute("INSERT INTO schema_migrations (version) VALUES (%s)", (version,))
    return max(0, len(MIGRATIONS) - done)


def main(environ=os.environ):
    url = environ.get("DATABASE_URL", "")
    if not url:
        print("DATABASE_URL is not set: there is nothing to migrate", file=sys.stderr)
        return 1
    # A database that is deployed together with the application starts at the same time.
    end = time.monotonic() + float(environ.get("MIGRATE_WAIT") or 60)
    told = ""
    while True:
        try:
            connection = database.connect(url, environ.get("DATABASE_PASSWORD"), statement_timeout=0)
            break
        except Exception as error:  # the driver's own kinds; told without its words
            why = failures.reason(error)
            if why != told:
                print(f"the database does not answer: {why}", file=sys.stderr, flush=True)
            if time.monotonic() > end:
                return 1
            told = why
            time.sleep(0.5)
    try:
        print(f"migrations applied: {migrate(connection)} of {len(MIGRATIONS)}", flush=True)
    except Exception as error:
        print(f"migrating: {failures.reason(error)}", file=sys.stderr)
        return 1
    finally:
        connection.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())

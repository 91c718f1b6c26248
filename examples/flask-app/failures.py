"""Why a dependency does not answer, in words that are safe to show.

A driver's own message may repeat the connection string. Whoever asks /ready is anybody, so
what is told is one of a few sentences, or the name of the exception's class.
"""

import socket

# What drivers say, and what is told of it; the first match counts.
SAYINGS = (
    ("password authentication failed", "authentication failed"),
    ("no password supplied", "authentication failed"),
    ("invalid username-password pair", "authentication failed"),
    ("authentication required", "authentication failed"),
    ("no pg_hba.conf entry", "the server does not let this client in"),
    ("connection refused", "connection refused"),
    ("could not translate host name", "its host name does not resolve"),
    ("name or service not known", "its host name does not resolve"),
    ("temporary failure in name resolution", "its host name does not resolve"),
    ("timeout expired", "no answer in time"),
    ("timed out", "no answer in time"),
    ("timeout", "no answer in time"),
    ("loading the dataset in memory", "it is starting"),
    ("the database system is", "it is starting or stopping"),
    ("does not exist", "a database, role or table does not exist"),
    ("certificate verify failed", "its certificate is not trusted"),
    ("server closed the connection", "the connection was closed"),
    ("connection closed by server", "the connection was closed"),
    ("connection reset", "the connection was closed"),
)


def reason(error):
    """Return why, without an address, a user or a password."""
    if isinstance(error, (TimeoutError, socket.timeout)):
        return "no answer in time"
    if isinstance(error, socket.gaierror):
        return "its host name does not resolve"
    text = str(error).lower()
    for saying, told in SAYINGS:
        if saying in text:
            return told
    return type(error).__name__

"""`python -m deploy.container.healthy`: status 0 when the program of this container says that it is well."""

from __future__ import annotations

import os
import sys
from http.client import HTTPConnection, HTTPException

SECONDS = 4.0
VARIABLE = "ARGOSY_METRICS"
OK = 200


def is_healthy(address: str) -> bool:
    """Ask /healthz at the port of an address as `--metrics` takes it; always true where nothing is served."""
    port = address.rpartition(":")[2]
    if not port:
        return True
    connection = HTTPConnection("127.0.0.1", int(port), timeout=SECONDS)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == OK
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(0 if is_healthy(os.environ.get(VARIABLE, "")) else 1)

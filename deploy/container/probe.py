"""Ask this container's process whether it is ready: `python -I deploy/container/probe.py [path]`.

A file of its own, run without the suite's packages: a probe comes every few seconds, and importing the whole
command for it would cost more than the answer.
"""

import http.client
import os
import sys

SECONDS = 4.0


def main(path: str) -> int:
    """0 when the process answers 200; else its answer is told, for `docker inspect`."""
    port = int(os.environ.get("BACKOFFICE_PORT", "8000"))
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read(2000).decode(errors="replace")
    except OSError as error:
        print(f"no answer on port {port}: {error}")
        return 1
    finally:
        connection.close()
    print(body)
    return 0 if answer.status == 200 else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "/readyz"))

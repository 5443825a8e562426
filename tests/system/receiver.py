"""An app's back end as webhooks meet it: a process of its own that notes whatever it is sent.

    python receiver.py PORT FOLDER

It answers the first requests with the statuses in FOLDER/plan, one a line ("hang" for no answer at all), and all others
with 204. Each request is a line of FOLDER/log before it is answered.
"""

import base64
import json
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

FOLDER = Path(sys.argv[2])
HANG_S = 30


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        plan = (FOLDER / "plan").read_text().split()
        log = FOLDER / "log"
        done = len(log.read_text().splitlines()) if log.exists() else 0
        answer = plan[done] if done < len(plan) else "204"
        headers = {name.lower(): value for name, value in self.headers.items()}
        noted = {"headers": headers, "body": base64.b64encode(body).decode(), "answer": answer}
        with log.open("a") as file:
            file.write(json.dumps(noted) + "\n")
        if answer == "hang":
            time.sleep(HANG_S)
            return
        self.send_response(int(answer))
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing beside the log."""


ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()

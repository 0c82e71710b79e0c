"""A project directory whose programs play Orderflow's: for what the stack itself does."""

from __future__ import annotations

from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]

_SERVER = """
import http.server, os, sys

class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"temporal_num_pollers{} 5")

    def log_message(self, *arguments):
        pass

http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT_NAME"])), Answer).serve_forever()
"""

_STARTER = """
import os, pathlib, sys
with pathlib.Path("commands").open("a") as file:
    print(sys.argv[1], os.environ["DATABASE_URL"], file=file)
"""


def stand_in_project(
    directory: Path, *, starter: str = _STARTER, worker: str | None = None
) -> Path:
    """Lay out `starter.py`, `worker.py`, `api` and `sandbox.simulator`; the mail sink is real."""
    for package in ("api", "sandbox/simulator"):
        (directory / package).mkdir(parents=True)
        (directory / package / "__init__.py").touch()
    (directory / "starter.py").write_text(starter)
    (directory / "worker.py").write_text(
        worker or _SERVER.replace("PORT_NAME", "WORKER_METRICS_PORT")
    )
    (directory / "api" / "__main__.py").write_text(_SERVER.replace("PORT_NAME", "API_PORT"))
    (directory / "sandbox" / "__init__.py").write_text(
        f"import sys; sys.path.append({str(_ROOT)!r}); __path__.append({str(_ROOT / 'sandbox')!r})"
    )
    (directory / "sandbox" / "simulator" / "__main__.py").write_text(
        _SERVER.replace("PORT_NAME", "SIM_PORT")
    )
    return directory

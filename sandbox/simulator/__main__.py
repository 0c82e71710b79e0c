"""Run the simulator: `python -m sandbox.simulator`, configured by the environment alone."""

from __future__ import annotations

import sys

import uvicorn
from pydantic import ValidationError

from sandbox.simulator.app import create_app
from sandbox.simulator.config import SimulatorConfig


def main() -> None:
    """Serve until SIGINT or SIGTERM; a request that hangs on purpose does not delay the end."""
    try:
        config = SimulatorConfig()
    except ValidationError as error:
        lines = [f"  {str(p['loc'][0]).upper()}: {p['msg']}" for p in error.errors()]
        sys.exit("simulator: the environment is not complete:\n" + "\n".join(lines))
    uvicorn.run(
        create_app(config),
        host=config.sim_host,
        port=config.sim_port,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=2,
    )


if __name__ == "__main__":
    main()

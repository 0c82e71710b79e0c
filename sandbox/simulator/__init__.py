"""The parties outside the house, played by one local process with their real wire protocols."""

from sandbox.simulator.app import create_app
from sandbox.simulator.config import SimulatorConfig

__all__ = ["SimulatorConfig", "create_app"]

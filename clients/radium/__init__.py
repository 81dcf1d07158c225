"""`argosy radium`: records for the clients of Argus, over the protocol of port 561."""

from clients.radium.command import run

__all__ = ["run"]

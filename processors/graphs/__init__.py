"""Who is linked with whom: records added up to nodes and weighted edges, and pruned so that they can be looked at."""

from processors.graphs.links import Graph, LinkTable

__all__ = ["Graph", "LinkTable"]

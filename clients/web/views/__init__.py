"""One thing looked at: a host, a graph, DNS, mirror ports, alerts, what comes live."""

"""Names of hosts, looked up backwards, each address once."""

from __future__ import annotations

import functools

import polars as pl

AT_ONCE = 32


@functools.lru_cache(maxsize=1 << 16)
def host_name(address: str) -> str:
    """Return the name that the resolver has for an address, the address itself when it has none."""
    import socket

    try:
        return socket.getnameinfo((address, 0), socket.NI_NAMEREQD)[0]
    except OSError:
        return address


def host_names(addresses: pl.Expr) -> pl.Expr:
    """Return a column of addresses as the names of their hosts."""
    return addresses.map_batches(_looked_up, return_dtype=pl.String, is_elementwise=True)


def _looked_up(column: pl.Series) -> pl.Series:
    from concurrent.futures import ThreadPoolExecutor

    known = [address for address in column.unique().to_list() if address is not None]
    with ThreadPoolExecutor(AT_ONCE) as resolvers:  # most of the time is spent waiting
        names = list(resolvers.map(host_name, known))
    return column.replace_strict(known, names, default=None, return_dtype=pl.String)

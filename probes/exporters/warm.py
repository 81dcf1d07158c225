"""Everything that is compiled at first use, used once."""

from __future__ import annotations

import numpy as np

from probes.exporters import layout as at
from probes.exporters import pairing, records
from probes.exporters.decode_kernel import decode
from probes.exporters.sflow_kernel import DATAGRAM_COLUMNS, TOLD, samples


def warm_up() -> None:
    """Compile the kernels."""
    from probes.decode.headers import COLUMNS

    data, rows = np.zeros(1, np.uint8), np.zeros((1, at.WIDTH), np.int64)
    items, fields = np.zeros((0, at.ITEM_COLUMNS), np.int64), np.zeros((0, at.FIELD_COLUMNS), np.int64)
    decode(data, items, fields, np.zeros(4, np.int64), rows, np.zeros((0, 2), np.int64))
    datagrams, told = np.zeros((0, DATAGRAM_COLUMNS), np.int64), np.zeros((0, TOLD), np.int64)
    samples(data, datagrams, 0, np.zeros(4, np.int64), np.zeros(COLUMNS, np.int64), rows, told)
    pairing.warm_up()
    records.warm_up()

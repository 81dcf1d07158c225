"""Whole payloads of the control plane: what travels on `argosy.control.v1`.

What has kernels is imported when it is asked for: what only decodes payload does without Numba.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from topics.control.batch import CONTROL_DTYPE, ControlBatch, ControlFlags
from topics.on_demand import on_demand

if TYPE_CHECKING:
    from topics.control.codec import CONTROL_BATCH, decode_control, encode_control, encode_control_messages
    from topics.control.partitions import split_control

__all__ = [
    "CONTROL_BATCH",
    "CONTROL_DTYPE",
    "ControlBatch",
    "ControlFlags",
    "decode_control",
    "encode_control",
    "encode_control_messages",
    "split_control",
]
HOMES = {
    **dict.fromkeys(("CONTROL_BATCH", "decode_control", "encode_control", "encode_control_messages"), "codec"),
    "split_control": "partitions",
}
__getattr__ = on_demand(__name__, HOMES)

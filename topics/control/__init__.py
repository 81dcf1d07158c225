"""Whole payloads of the control plane: what travels on `argosy.control.v1`."""

from topics.control.batch import CONTROL_DTYPE, ControlBatch, ControlFlags
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

"""Names of addresses: what travels on `argosy.names.v1`."""

from topics.names.record import EVERYBODY, AddressName, decode_name, encode_name, name_key

__all__ = ["EVERYBODY", "AddressName", "decode_name", "encode_name", "name_key"]

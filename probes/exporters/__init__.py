"""Flow records of others: datagrams of NetFlow, IPFIX and sFlow to status records of ours."""

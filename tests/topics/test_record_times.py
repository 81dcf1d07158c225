from topics.batch import last_times, records_like, start_times


def test_a_flow_begins_with_its_first_packet_of_either_direction() -> None:
    records = records_like(4)
    records["src_first"] = [5, 9, 0, 0]
    records["dst_first"] = [7, 3, 8, 0]
    records["src_last"] = [6, 9, 0, 0]
    records["dst_last"] = [7, 4, 8, 0]
    assert start_times(records).tolist() == [5, 3, 8, 0]
    assert last_times(records).tolist() == [7, 9, 8, 0]

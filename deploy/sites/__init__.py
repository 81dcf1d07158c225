"""A broker at every site, mirrored to the centre: Kafka's own MirrorMaker 2 and the settings it is given."""

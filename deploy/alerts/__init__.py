"""The starter set: rules that find what most networks want to hear of."""

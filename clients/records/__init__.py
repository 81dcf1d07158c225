"""Commands from records to records or lines: ra, racluster, rasort, rabins and their like."""

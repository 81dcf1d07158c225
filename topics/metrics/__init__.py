"""What programs measure of themselves, and whether they live: plain numbers that anybody may serve."""

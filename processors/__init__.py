"""What concludes: merging, and the engines that drive it."""

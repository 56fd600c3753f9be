"""From a file to frames, packets and their times."""

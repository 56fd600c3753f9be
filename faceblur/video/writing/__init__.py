"""From frames and packets to a file that plays where the input plays."""

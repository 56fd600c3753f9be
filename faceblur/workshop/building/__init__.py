"""What is deployed: archives, the container image, the state machine's definition."""

"""What is asked for: tickets, what they depend on, which are ready, and in which order."""

"""What trackers of forges with pull requests share: comments, planned changes, stacks, tokens and REST calls."""

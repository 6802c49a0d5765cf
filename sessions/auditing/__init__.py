"""Check a branch against the tickets it claims to hold, by a path that shares no code with the merge line."""

"""Check a branch against the tickets that it claims to contain, with code that is independent of the merge line."""

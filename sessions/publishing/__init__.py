"""What leaves the machine, and only with ``--publish``. Nothing outside this room may write elsewhere."""

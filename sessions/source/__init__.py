"""What the code is: releases, the mirror, merging in memory, conflicts, and the files that differ."""

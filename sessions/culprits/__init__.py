"""Which ticket broke a test: the search, its probabilities, and the first bad commit of a branch.

Pure: the search yields questions and receives answers; it runs no probe. May import ``gates`` and ``tickets``.
"""

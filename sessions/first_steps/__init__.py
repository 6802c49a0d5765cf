"""A first configuration for a project of one's own: what its repository tells, asked about, and written down."""

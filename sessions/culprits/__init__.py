"""Who broke it. Pure: asks for probes, never runs them."""

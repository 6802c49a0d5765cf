"""Which open tickets go together: found by merging them in pairs, before anybody asks for a day with them."""

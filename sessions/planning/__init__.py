"""Find out which open tickets conflict, by merging them in pairs, before a day includes them."""

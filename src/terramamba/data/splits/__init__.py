"""Which labelled pixels train, validate and test, and what leaks between them."""

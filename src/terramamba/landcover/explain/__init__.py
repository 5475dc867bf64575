"""What a classifier attends to, and which bands it needs."""

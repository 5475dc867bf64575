"""Training of any model for any task, resumable, in one process or several."""

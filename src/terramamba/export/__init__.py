"""Trained models as files that run without PyTorch: an engine that is handed a network."""

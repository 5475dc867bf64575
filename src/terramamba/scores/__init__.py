"""Scores as exact counts: metrics, calibration, sampling units."""

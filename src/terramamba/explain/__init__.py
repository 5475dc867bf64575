"""Engines that explain trained models, for both wings."""

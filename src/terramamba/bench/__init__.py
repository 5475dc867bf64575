"""How fast everything is, beside a plain loop over time: what ``terramamba bench`` runs."""

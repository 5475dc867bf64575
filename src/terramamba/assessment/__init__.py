"""How right a finished map is: reference points drawn from it, and what they say of it."""

"""Where the parts of a change detector respond, and what speaks for change."""

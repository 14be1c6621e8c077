"""Two frameworks beside each other: which of them is right."""

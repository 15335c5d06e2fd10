"""All that touches the world; one foreign library per file."""

"""What the API server asks, and the form of the answer."""

"""Certificates for the webhook: an authority that the API server is told of, and the leaf that the webhook shows it."""

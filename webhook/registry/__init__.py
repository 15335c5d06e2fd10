"""What to ask a registry, where, and what its answers mean; no bytes move here."""

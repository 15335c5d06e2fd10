"""What the node would offer to a registry, in its order."""

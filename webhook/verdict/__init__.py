"""What the resolutions mean for the cluster, and what the person reads."""

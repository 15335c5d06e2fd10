"""Which images the pod would pull."""

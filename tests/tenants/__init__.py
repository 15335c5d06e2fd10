"""Two tenants share one webhook: random steps of both, and what neither may ever notice of the other."""

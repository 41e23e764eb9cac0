"""What maintainers measure with: speed, kernels, and the figures in the texts."""

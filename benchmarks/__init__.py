"""Speed and quality benchmarks that print figures. Not installed with the product."""

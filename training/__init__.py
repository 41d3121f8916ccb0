"""Scripts that produce the two shipped networks. Not installed with the product."""

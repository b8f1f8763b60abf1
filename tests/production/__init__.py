"""What production is made of: checks at start, the image, the services, and nginx before them."""

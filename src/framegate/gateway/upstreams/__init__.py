"""What is known of upstreams while they are served: their places, how these are, and who looks after them."""

"""What is known of each tool, as data, and the one engine that installs into all of them."""

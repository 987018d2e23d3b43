"""Linux: what is done with its files and functions, and the pure rules of what they say."""

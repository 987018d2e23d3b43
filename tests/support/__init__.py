"""What several test modules need; no tests."""

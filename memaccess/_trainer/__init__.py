"""What trainers do with what was found: watch it."""

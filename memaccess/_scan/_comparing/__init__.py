"""Which of many values are wanted: ranges, relations, and what compares them."""

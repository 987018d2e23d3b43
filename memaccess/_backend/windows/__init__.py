"""Windows, and Wine: what is done with its functions, and the pure rules that the fake shares."""

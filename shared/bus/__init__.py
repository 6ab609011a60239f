"""What carries events from one service to others: the transport's contract, and two of them."""

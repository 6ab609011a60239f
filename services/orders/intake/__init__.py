"""Order: what a customer asked for, at which price; taken in, confirmed against stock, held back, cancelled."""

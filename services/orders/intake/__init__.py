"""Order: what a customer asked for, at which price; taken in by any channel, confirmed against stock, held, cancelled."""

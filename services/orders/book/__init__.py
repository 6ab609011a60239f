"""Order book: orders with their lines, holds and fulfilments as one aggregate, which intake and fulfilment both change."""

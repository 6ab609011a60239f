"""Order book: orders with lines, holds and fulfilments as one aggregate, changed by intake and fulfilment alike."""

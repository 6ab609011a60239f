"""A throw-away service, so that tests of the kernel depend on no business."""

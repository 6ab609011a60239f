"""The kernel: what every service needs and no client company would name."""

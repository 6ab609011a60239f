"""Ways to run the suite: the `backoffice` command and the embedded, one-process form."""

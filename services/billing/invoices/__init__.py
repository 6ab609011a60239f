"""Invoice: a demand for payment for what was supplied; numbered without gaps and posted when finalized."""

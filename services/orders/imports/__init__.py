"""Order import: a file of orders from elsewhere, taken in order by order with a reason for each refusal."""

"""What goes along with the goods on paper: the pick list for the warehouse, the delivery note for who receives them."""

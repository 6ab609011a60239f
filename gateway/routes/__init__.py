"""What the services offer: routes and the API's document, learned from them."""

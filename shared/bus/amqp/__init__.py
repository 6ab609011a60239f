"""Events through RabbitMQ."""

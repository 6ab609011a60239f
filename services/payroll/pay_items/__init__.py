"""Pay items: what is paid or taken beside salary, once or in every period; also those that benefits make."""

"""The workers: they claim durable jobs and run them beside the server."""

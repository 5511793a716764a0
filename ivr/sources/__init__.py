"""Data sources beside the platform's own database: other PostgreSQL servers, HTTP services."""

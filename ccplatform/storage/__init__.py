"""Everything that is kept in PostgreSQL: the pool, the migrations, the event journal, the embedded server."""

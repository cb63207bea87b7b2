SELECT version(), (SELECT groupUniqArray(name) FROM schema_migrations)

SELECT name, alias_to, toString(categories), toString(origin) FROM system.functions

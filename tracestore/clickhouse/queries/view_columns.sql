DESCRIBE TABLE {view:Identifier}

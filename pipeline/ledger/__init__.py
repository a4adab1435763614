"""What was seen, found, decided, promised and done: the database and the artefact store."""

"""Is this installation well: figures of its parts, each judged, with a sentence on what to do."""

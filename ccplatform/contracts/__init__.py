"""The shared vocabulary: words, facts, commands and ports. Nothing here runs."""

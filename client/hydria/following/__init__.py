"""Following an alias: the serving side's directory always holds the version that it points to."""

"""Where recordings are kept besides the directory that they are recorded into: other directories, S3."""

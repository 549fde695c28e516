"""Reading the files of data sets: names and parts, compression, encoding, dialect, rows, and what a cell means."""

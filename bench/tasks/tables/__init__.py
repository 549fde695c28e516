"""Tasks whose data are the rows of tables: CSV, JSON Lines, Parquet."""

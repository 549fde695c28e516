"""Pictures of results as SVG, drawn with matplotlib: the same results give the same bytes."""

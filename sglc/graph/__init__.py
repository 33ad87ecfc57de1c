"""The program as a graph, for analysis and export."""

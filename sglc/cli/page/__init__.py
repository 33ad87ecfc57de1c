"""`sglc compile --emit html`: one page with source, IR of every phase, graph and findings."""

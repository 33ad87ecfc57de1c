"""The formatter of scripts: one layout for every program, and never another meaning."""

"""`sglc bench gpu`: checks every kernel on a GPU; measures kernels and engine beside ceilings."""

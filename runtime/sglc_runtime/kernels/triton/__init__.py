"""GPU kernels in Triton: keys and values of any layer stay in the pool and are read by slot."""

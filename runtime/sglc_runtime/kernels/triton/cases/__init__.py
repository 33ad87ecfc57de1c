"""Every kernel in the shapes it is used in, with what it must compute: one module for a kernel."""

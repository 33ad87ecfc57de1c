"""Execution on a GPU: steps at fixed addresses, CUDA graphs of them, work that runs ahead."""

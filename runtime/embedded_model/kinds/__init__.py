"""One module for each kind of training document."""

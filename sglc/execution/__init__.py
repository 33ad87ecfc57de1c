"""Running programs: states, the driver, strands, observations."""

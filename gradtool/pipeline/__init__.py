"""Target -> witnesses -> evidence -> verdict: one file for each command, each on one screen."""

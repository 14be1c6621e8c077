"""What comparing two models means: where they part first, in execution order, and why. Pure functions on evidence."""

"""The same derivative as two programs, one for each framework, that run as they are printed."""

"""Finders of why a gradient is None, zero or not finite; they run where one is. Nothing here knows a framework."""

"""The room where two sides are paired and compared: arrays alone, no framework."""

"""What both rooms share about callables: functions, custom operations and modules that are checked as they are."""

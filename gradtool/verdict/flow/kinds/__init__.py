"""THE catalogue of the causes of gradients that are None, zero or not finite: a table of kinds for each fate."""

"""What both frameworks share about models: running the user's file, finding the model, saying what was assumed."""

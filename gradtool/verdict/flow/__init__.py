"""What the evidence on a model means: findings by rules that no scale of the loss can change, and a checklist."""

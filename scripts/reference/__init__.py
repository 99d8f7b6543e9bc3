"""The pages of docs/reference, made of what they are about."""

"""What the server offers of its own: tools, resources and prompts, registered as any plugin's are."""

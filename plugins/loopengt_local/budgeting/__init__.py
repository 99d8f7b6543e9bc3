"""What runs, agents and steps may consume: reserved before an attempt, debited after it."""

"""Foreign plugins in processes of their own: their limits, what they see, and how they are spoken with."""

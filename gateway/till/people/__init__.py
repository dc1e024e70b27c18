"""Who works at the tills: operators and their PINs, signing on, and what each may do."""

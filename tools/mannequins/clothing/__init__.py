"""What people wear, from cut to cloth to drape."""

"""What the workshop leaves in an account: found, waited for, read, priced, removed."""

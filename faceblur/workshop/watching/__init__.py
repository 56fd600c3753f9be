"""An execution followed while it runs and told afterwards."""

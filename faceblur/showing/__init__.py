"""Pictures of what was found. Each file loads its own library (matplotlib, ipywidgets), so import the one you need."""

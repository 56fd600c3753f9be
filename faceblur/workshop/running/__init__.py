"""The notebooks run and shown: one by one, all at once, in JupyterLab, as pages."""

"""The examples do what their pages promise."""

"""The stages of a study, one command each; the workflow's rules call them."""

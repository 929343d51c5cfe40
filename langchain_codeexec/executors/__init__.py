"""Where model-written code can run besides Google's servers."""

"""Ten small coding tasks: scripted in the tests; for a real model, python -m tests.tasks."""

"""Where things live, what is set, and the secrets: read from the person's own folders only.

Import the module that is needed: `paths` and `secrets` cost little, `settings` loads pydantic.
"""

"""Many clips in one run: what each is asked to be, the processes that render them, the manifest of what came of it."""

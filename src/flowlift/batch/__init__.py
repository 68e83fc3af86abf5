"""Many clips: jobs, who works on them, what became of each."""

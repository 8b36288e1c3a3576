"""Background work: jobs with progress, schedules, loops, and the sweep that finds what a dead worker left."""

"""From a request to a finished run folder: plan, cost estimate, stages, resume."""

"""How a plan is carried out: rows, rejects, funnel, exports."""

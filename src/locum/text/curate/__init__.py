"""Selection among made items: overlap with benchmarks, likeness, curation by a learner."""

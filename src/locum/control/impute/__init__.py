"""Missing cells filled: with a fitted generator, or by chained learners without one."""

"""Valid inference from synthetic rows: combining rules, prediction-powered estimates, ensembles."""

"""Side-by-side measurement of locum and its peers; see `benchmarks.run`. Not part of the package."""

"""How models are reached: requests, cache, limits, endpoints over HTTP and a model inside this process."""

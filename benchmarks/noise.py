"""How fast exact noise is drawn, beside OpenDP's sampler and plain NumPy.

``python -m benchmarks.noise`` prints draws per CPU-second. Needs the extra ``oracle`` for OpenDP's row.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from locum.privacy.noise import Noise

DRAWS = 4_000_000
OPENDP_DRAWS = 20_000


def rate(draw: Callable[[], object], n: int) -> float:
    """Millions of draws per CPU-second, the best of three."""
    best = 0.0
    for _ in range(3):
        start = time.process_time()
        draw()
        best = max(best, n / (time.process_time() - start) / 1e6)
    return best


def main() -> None:
    """Print one line a sampler."""
    noise = Noise()
    for sigma in (1.0, 30.0, 500.0, 600.0, 1e5):
        for name, draw in (("rounded", noise.gaussian), ("discrete", noise.discrete_gaussian)):
            start = time.process_time()
            draw(sigma, 1)
            ready = 1000 * (time.process_time() - start)
            speed = rate(lambda: draw(sigma, DRAWS), DRAWS)  # noqa: B023 - called before the next turn
            print(f"{name} Gaussian, sigma {sigma:g}: {speed:.1f} M a CPU-second, table {ready:.0f} ms")
    for scale in (10.0, 1e4):
        speed = rate(lambda: noise.discrete_laplace(scale, DRAWS), DRAWS)  # noqa: B023
        print(f"discrete Laplace, scale {scale:g}: {speed:.1f} M a CPU-second")
    random = np.random.default_rng(1)
    speed = rate(lambda: np.rint(random.normal(0, 30.0, DRAWS)), DRAWS)
    print(f"NumPy floats, not private: {speed:.1f} M a CPU-second")
    try:
        import opendp.prelude as dp
    except ImportError:
        print("OpenDP is not installed")
        return
    dp.enable_features("contrib")
    space = dp.vector_domain(dp.atom_domain(T=int), size=OPENDP_DRAWS), dp.l2_distance(T=float)
    measure = dp.m.make_gaussian(*space, scale=30.0)
    print(f"OpenDP, sigma 30: {rate(lambda: measure([0] * OPENDP_DRAWS), OPENDP_DRAWS):.3f} M a CPU-second")


if __name__ == "__main__":
    main()

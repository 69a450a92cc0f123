import sys
from pathlib import Path

# The benchmarks lie beside the package, not in it.
sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

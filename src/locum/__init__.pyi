"""Types of the public names; `__init__.py` fetches them only when they are used."""

from locum.api import Evaluation as Evaluation
from locum.api import LocumError as LocumError
from locum.api import Outcome as Outcome
from locum.api import Schema as Schema
from locum.api import Synthesizer as Synthesizer
from locum.api import collapse as collapse
from locum.api import compare as compare
from locum.api import detect as detect
from locum.api import evaluate as evaluate
from locum.api import fair as fair
from locum.api import fit as fit
from locum.api import impute as impute
from locum.api import load as load
from locum.api import mix as mix
from locum.api import plant as plant
from locum.api import propose_rules as propose_rules
from locum.api import run as run
from locum.api import sample as sample
from locum.api import subgroups as subgroups
from locum.api import tournament as tournament

__version__: str

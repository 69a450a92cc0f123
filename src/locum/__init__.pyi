"""Types of the public names; `__init__.py` fetches them only when they are used, from where `api.py` says."""

from locum.errors import LocumError as LocumError
from locum.evaluation.metrics.inference.combine import combine as combine
from locum.runs.evaluate import Evaluation as Evaluation
from locum.runs.evaluate import evaluate as evaluate
from locum.runs.execute import run as run
from locum.runs.fit import fit as fit
from locum.runs.impute import impute as impute
from locum.runs.init import detect as detect
from locum.runs.init import propose_rules as propose_rules
from locum.runs.outcome import RunOutcome
from locum.runs.plant import plant as plant
from locum.runs.sample import load as load
from locum.runs.sample import sample as sample
from locum.schema.table import Schema as Schema
from locum.studies.collapse.collapse import collapse as collapse
from locum.studies.compare.compare import compare as compare
from locum.studies.fair.fair import fair as fair
from locum.studies.mix.mix import mix as mix
from locum.studies.scarce.scarce import scarce as scarce
from locum.studies.subgroups.subgroups import subgroups as subgroups
from locum.studies.tournament.tournament import tournament as tournament
from locum.synthesizer.table import Synthesizer as Synthesizer

Outcome = RunOutcome
__version__: str

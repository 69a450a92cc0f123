"""Values <-> small integers: `Encoder` for tables, and fresh values for ids, text and personal data."""

from locum.codes.codebook import Treatment
from locum.codes.encoder import Encoder
from locum.codes.settings import EncoderSettings

__all__ = ["Encoder", "EncoderSettings", "Treatment"]

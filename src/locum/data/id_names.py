"""What names of columns say about identifiers: of rows, of persons, of things, and codes that are labels."""

from __future__ import annotations

import re

#: ``id``, ``patient_id``, ``userId``, ``uuid``, ``row key``.
_ID = re.compile(
    r"(?i:(^|[\W_])(id|uuid|guid|key|pk|rowid|row|index|idx|uid|mrn|ssn|nr|no)$)|[a-z](Id|ID|Key)$"
)
_WHO = (
    "patient|pat|subject|subj|person|participant|respondent|proband|customer|cust|client|consumer|user|member|"
    "employee|emp|worker|staff|student|pupil|child|household|family|donor|borrower|applicant|passenger|driver|"
    "visitor|guest|citizen|resident|tenant|taxpayer|beneficiary|policyholder|insured|account|acct|cardholder|"
    "subscriber|player|athlete|animal|kunde|kunden|patienten|mitarbeiter|personal|cliente|paciente|persona|"
    "matricula|medewerker|klient|pacjent"
)
_PERSON_ID = re.compile(
    rf"^((\w+_)?({_WHO})(_?(id|ids|uid|no|nr|num|number|nummer|numero|key|code|ref|identifier))?|mrn|ssn|uid|pid|"
    r"medical_record_(no|number)|nhs_(no|number)|person_?nummer)$"
)
#: Whom a table of visits or orders is about, where it names those who saw them too.
_FIRST = re.compile(
    r"^(\w+_)?(patient|pat|subject|subj|person|participant|respondent|proband|customer|cust|client|consumer|member|"
    r"student|pupil|child|household|family|donor|borrower|applicant|passenger|policyholder|insured|beneficiary|"
    r"taxpayer|kunde|kunden|patienten|cliente|paciente|persona|klient|pacjent|mrn)(_|$)"
)
#: Who serves many of those whom the rows are about.
_STAFF = re.compile(
    r"(^|_)(doctor|physician|surgeon|nurse|therapist|agent|manager|seller|salesperson|teacher|author|director|actor|"
    r"operator|technician|supervisor|advisor|consultant|lawyer|attorney|judge|assignee|reporter|winner|arzt|medico|"
    r"medecin|lekarz|provider|prescriber|clinician|recruiter|rep)(_|s?$)"
)
_LABEL = re.compile(r"(?i:(^|[\W_])(id|key|code)$)|[a-z](Id|ID|Key|Code)$")
_THING = re.compile(
    r"(^|_)(product|prod|sku|item|article|store|shop|branch|site|hospital|clinic|ward|dept|department|category|"
    r"region|zone|city|state|country|station|route|line|flight|tail|carrier|vendor|supplier|manufacturer|brand|"
    r"model|course|school|team|warehouse|device|machine|sensor|plan|currency|channel|campaign|segment|segm|group|"
    r"cluster|provider|facility|procedure|diagnosis|drug)(_|$)"
)
_CODE = re.compile(
    r"(^|_)(zip|zip_?code|postal|postal_?code|postcode|post_?code|plz|postleitzahl|cap|cep|codigo_?postal|"
    r"code_?postal|postnummer|pin_?code|icd(_?(9|10|11))?(_?(cm|code))?|sic|naics|nace|isic|cpt|drg|hs_?code|"
    r"ndc|atc|loinc|snomed|fips|county_?fips|state_?fips|npa|area_?code|dial(ling)?_?code|phone_?prefix|prefix|"
    r"country_?code|currency_?code|bank_?code|blz|sort_?code|swift|bic|bin|mcc|msa|cbsa|puma|tract|census_?tract|"
    r"ags|nuts|insee|isced|isco|soc_?code|occ_?code|ind_?code)(_?code)?(_|$|\d)"
)


def snake(name: str) -> str:
    """A column's name in lower case with underscores: ``homePhone`` and ``home phone`` are ``home_phone``."""
    return re.sub(r"[\s.\-]+", "_", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name.strip())).lower()


def is_id_name(name: str) -> bool:
    """Whether the column's name says that it identifies something."""
    return bool(_ID.search(name.strip()))


def is_person_id_name(name: str) -> bool:
    """Whether the column's name says that it tells persons (households, accounts) apart."""
    return bool(_PERSON_ID.match(snake(name)))


def is_first_person_name(name: str) -> bool:
    """Whether the column's name says that its persons are whom the rows are about: patients, not doctors."""
    return bool(_FIRST.match(snake(name)))


def is_staff_name(name: str) -> bool:
    """Whether the column's name says that its persons serve many others: doctors, managers, authors."""
    return bool(_STAFF.search(snake(name)))


def is_label_id_name(name: str) -> bool:
    """Whether the column's name says that its numbers are labels: ``store_id``, ``dx_code``."""
    return bool(_LABEL.search(name.strip()))


def is_thing_name(name: str) -> bool:
    """Whether the column's name says that it tells apart things with many rows each: products, stores."""
    return bool(_THING.search(snake(name)))


def is_code_name(name: str) -> bool:
    """Whether the column's name says that its digits are a label: zip, ICD, SIC, area code."""
    return bool(_CODE.search(snake(name)))

"""A private run that stopped for want of declared content leaves a template to be filled in."""

from __future__ import annotations

from pathlib import Path

from locum.errors import ContentError
from locum.runs.config import locate_data
from locum.runs.files import CONFIG
from locum.runs.private_form import private_form, with_declared_unit
from locum.runs.request import RunRequest
from locum.runs.tables import read_table
from locum.runs.template import path_from, write_template


def offer_template(request: RunRequest, error: ContentError) -> ContentError:
    """The error with a template beside the data that names what is missing; a file there is left alone.

    The template has the names of the columns and what is declared of them; no row has a part in it.
    """
    config, data, reading = locate_data(request)
    request = with_declared_unit(request, config)
    asked = request.privacy
    if not isinstance(data, str | Path) or asked is None:
        return error
    path = request.config or Path(data).parent / CONFIG
    if config is not None and path.is_file():
        do = f"fill in what {path} leaves open"
    else:
        if path.is_file():  # about other data
            path = path.with_name(f"{Path(data).stem}.{CONFIG}")
        public = None if asked.public is None else read_table(asked.public)
        form = private_form(request, config, data, reading, public)
        schema = form.schema if len(form.schema) else None
        write_template(
            path,
            form.table.name,
            form.table.names,
            schema,
            path_from(data, path),
            reading,
            unit=asked.unit,
            one_row_per_person=asked.one_row_per_person,
        )
        option = "" if path.name == CONFIG else f", then add --config {path}"
        do = f"fill in {path}, which was written for it{option}"
    return ContentError(
        error.what,
        where=error.where,
        expected=error.expected,
        do=f"{do}; or give a public table with --public, or add --discover to have the rest bought. Nothing "
        "was spent",
        gaps=error.gaps,
    )

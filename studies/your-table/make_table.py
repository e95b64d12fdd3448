"""Make penguins.csv from the table that the package `palmerpenguins` holds.

    python make_table.py PATH/TO/palmerpenguins/data/penguins-raw.csv penguins.csv

Leaves out the 11 of 344 birds of which the sex or a measurement is not known. Columns
get short names and birds a name of their own; no measurement is changed.
"""

import sys

import pandas as pd

COLUMNS = {
    "bird": "bird",
    "Species": "species",
    "Island": "island",
    "Clutch Completion": "clutch",
    "Culmen Length (mm)": "bill_length_mm",
    "Culmen Depth (mm)": "bill_depth_mm",
    "Flipper Length (mm)": "flipper_length_mm",
    "Body Mass (g)": "body_mass_g",
    "Sex": "sex",
}


def main(source: str, target: str) -> None:
    """Write the table of the birds that are known in full."""
    table = pd.read_csv(source, dtype=str)
    table["Species"] = table["Species"].str.split().str[0]
    table["bird"] = table["Species"] + "-" + table["Sample Number"]
    table["Clutch Completion"] = table["Clutch Completion"].str.lower()
    table["Sex"] = table["Sex"].str.lower()
    table[[*COLUMNS]].rename(columns=COLUMNS).dropna().to_csv(target, index=False)


if __name__ == "__main__":
    main(*sys.argv[1:])

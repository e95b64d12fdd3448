"""Make tables of properties of compounds from the package `chemicals`.

    python make_compounds.py data/boiling-point.csv data/flash-point.csv …

A file's name says which property. A row a compound: its property in SI units, and the
counts of the commonest parts of its SMILES, log(1 + n). A part is a token (an atom,
bond, ring or branch) or a pair of neighbours; the parts are the 128 that occur in most
compounds with a boiling or melting point, among those that occur in ten with a flash
point. Elements, salts and all else that is not one molecule with carbon in it are left
out: no such thing has a flash point, and metals boil at thousands of kelvin. So are, of
all sources, compounds with a flash point.
"""

import argparse
import itertools
import re
from collections import Counter
from pathlib import Path

import chemicals
import numpy as np
import pandas as pd

DATA = Path(chemicals.__file__).parent
PROPERTIES = {
    "boiling-point": ("Phase Change/Yaws Boiling Points.tsv", "Tb"),
    "melting-point": ("Phase Change/OpenNotebook Melting Points.tsv", "Tm"),
    "flash-point": ("Safety/DIPPR T_flash Serat.csv", "T_flash"),
    "critical-temperature": ("Critical Properties/Yaws Collection.tsv", "Tc"),
    "critical-pressure": ("Critical Properties/Yaws Collection.tsv", "Pc"),
    "acentric-factor": ("Critical Properties/Yaws Collection.tsv", "omega"),
    "density": ("Misc/Physical Constants of Organic Compounds.csv", "rho"),
    "refractive-index": ("Misc/CRC Handbook Organic RI.csv", "RI"),
    "heat-of-vaporization": (
        "Phase Change/Ghazerati Appendix Vaporization Enthalpy.tsv",
        "Hvap298",
    ),
    "heat-of-formation": ("Reactions/Yaws Hf S0 (g).tsv", "Hfg"),
    "permittivity": (
        "Electrolytes/Permittivity (Dielectric Constant) of Liquids.tsv",
        "Permittivity",
    ),
}
TARGET = "flash-point"
# The sources whose compounds say which parts are common.
LARGEST = ("boiling-point", "melting-point")
PARTS = 128
ENOUGH = 10
TOKEN = re.compile(r"\[[^]]+]|Br|Cl|%\d\d|.")
MOLECULE_OF_CARBON = re.compile(r"[^.]*C(?![a-z])[^.]*")


def smiles_by_cas() -> dict[str, str]:
    """Return each compound's SMILES by its CAS number."""
    smiles_of = {}
    for size in ("large", "small"):
        path = DATA / f"Identifiers/chemical identifiers pubchem {size}.tsv"
        for line in path.read_text(encoding="utf-8").splitlines():
            _, cas, _, _, smiles, *_ = line.split("\t")
            smiles_of[cas] = smiles
    return smiles_of


def compounds(name: str, smiles: dict[str, str]) -> pd.DataFrame:
    """Return a property of the compounds of carbon whose SMILES is known, each once."""
    path, column = PROPERTIES[name]
    table = pd.read_csv(DATA / path, sep="\t")[["CAS", column]].dropna()
    table = table.drop_duplicates("CAS").rename(columns={column: "value"})
    table["smiles"] = table["CAS"].map(smiles)
    table = table.dropna()
    table = table[table["smiles"].str.fullmatch(MOLECULE_OF_CARBON)]
    return table.sort_values("CAS", ignore_index=True)


def parts_of(smiles: str) -> Counter[str]:
    """Count the tokens and the pairs of neighbouring tokens."""
    tokens = TOKEN.findall(smiles)
    return Counter(tokens) + Counter(map("".join, itertools.pairwise(tokens)))


def main() -> None:
    """Write a CSV for each property asked for, all with the same features."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("output", type=Path, nargs="+")
    outputs = {path.stem: path for path in parser.parse_args().output}
    smiles = smiles_by_cas()
    names = dict.fromkeys((TARGET, *LARGEST, *outputs))
    tables = {name: compounds(name, smiles) for name in names}
    held_out = set(tables[TARGET]["CAS"])
    counts = {}
    for name, table in tables.items():
        if name != TARGET:
            tables[name] = table = table[~table["CAS"].isin(held_out)]
        counts[name] = table["smiles"].map(parts_of)
    common = Counter(
        part for name in LARGEST for count in counts[name] for part in count
    )
    known = Counter(part for count in counts[TARGET] for part in count)
    # By name where they are as common, so that the order is always the same.
    ranked = sorted(common, key=lambda part: (-common[part], part))
    chosen = [part for part in ranked if known[part] >= ENOUGH][:PARTS]
    for name, path in outputs.items():
        numbers = [[count[part] for part in chosen] for count in counts[name]]
        features = pd.DataFrame(np.log1p(numbers).round(4), columns=chosen)
        features.insert(0, name.replace("-", "_"), tables[name]["value"].to_numpy())
        path.parent.mkdir(parents=True, exist_ok=True)
        features.to_csv(path, index=False, lineterminator="\n")


if __name__ == "__main__":
    main()

"""Write compounds of the package `chemicals` as tokens of their SMILES.

    python make_tokens.py FOLDER

A row a compound: its property in kelvin, and the first 24 tokens (an atom, bond, ring
or branch), numbered from 1 by how many compounds have them; 0 stands behind the last
one, and the last number for all rare ones. The compounds are those of
studies/flash-points; of the boiling points, the first 1,000.
"""

import argparse
from collections import Counter
from pathlib import Path

import pandas as pd
from make_compounds import TOKEN, compounds, smiles_by_cas

LENGTH = 24
VOCABULARY = 24
MOST = 1_000


def main() -> None:
    """Write a CSV for each property, with the same columns."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    smiles = smiles_by_cas()
    target = compounds("flash-point", smiles)
    source = compounds("boiling-point", smiles)
    source = source[~source["CAS"].isin(target["CAS"])].head(MOST)
    counts = Counter(
        token for text in source["smiles"] for token in {*TOKEN.findall(text)}
    )
    # By name where they are as common, so that the order is always the same.
    ranked = sorted(counts, key=lambda token: (-counts[token], token))
    number = {token: place for place, token in enumerate(ranked[: VOCABULARY - 2], 1)}
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in (("boiling_point", source), ("flash_point", target)):
        rows = [
            [number.get(token, VOCABULARY - 1) for token in TOKEN.findall(text)]
            for text in table["smiles"]
        ]
        padded = [(row + [0] * LENGTH)[:LENGTH] for row in rows]
        columns = [f"token_{place:02}" for place in range(1, LENGTH + 1)]
        tokens = pd.DataFrame(padded, columns=columns)
        tokens.insert(0, name, table["value"].to_numpy())
        tokens.to_csv(folder / f"{name}.csv", index=False, lineterminator="\n")


if __name__ == "__main__":
    main()

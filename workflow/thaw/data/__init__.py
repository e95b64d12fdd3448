"""Problems, and how their data are read or generated, split and scaled."""

# The keys of a problem that name its files.
FILES = ("file", "test_file")

# With this in the place of a seed, rows are split anew for each source model.
EACH = "each"

# The kinds of files, by suffix: text, with what separates its values; tables, whose
# columns have names; and arrays.
SEPARATORS = {".csv": ",", ".tsv": "\t"}
# The keys of a problem that say how a text file is written, unless it is as usual.
WRITTEN = ("separator", "decimal")
# With this as its columns, a target has those that its source has, too.
COMMON = "common"
PARQUET = ".parquet"
ARRAYS = ".npz"
TABLES = (*SEPARATORS, PARQUET)
SUFFIXES = (*TABLES, ARRAYS)

"""One module for each table, with its name; `thaw.plan.outputs` lists them."""

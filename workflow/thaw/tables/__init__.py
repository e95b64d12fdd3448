"""A module a table, named like it; `thaw.plan.outputs` lists them."""

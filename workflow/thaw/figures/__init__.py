"""A module a figure, named like it; `thaw.plan.outputs` lists them."""

"""One module for each figure, with its name; `thaw.plan.outputs` lists them."""

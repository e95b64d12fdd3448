"""Leftovers: results that no study of the config uses any more.

Needs: results/.
Makes: nothing. One target lists them, another deletes them; no other target does.
"""


rule leftovers:
    """List the results that no study of the config uses any more, with their size."""
    log:
        "logs/leftovers.log",
    localrule: True
    conda:
        "../envs/thaw.yaml"
    params:
        results=lambda wildcards: in_results("results"),
        config=lambda wildcards: canonical(config),
        commanded=list(workflow.config_settings.config),
        delete="",
    shell:
        r"""
        python -m thaw.stages.leftovers \
            --results {params.results:q} \
            --config {params.config:q} \
            --commanded {params.commanded:q} \
            {params.delete} \
            2>{log:q}
        """


use rule leftovers as delete_leftovers with:
    """Delete the results that no study of the config uses any more."""
    log:
        "logs/delete_leftovers.log",
    localrule: True
    params:
        results=lambda wildcards: in_results("results"),
        config=lambda wildcards: canonical(config),
        commanded=list(workflow.config_settings.config),
        delete="--delete",

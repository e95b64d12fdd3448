"""Results that no study of the config uses any more.

Needs: results/.
Makes: nothing. One target lists them, another deletes them; no other target does.
"""


rule leftovers:
    """List what no study of the config uses any more, and how large it is."""
    log:
        "logs/leftovers.log",
    localrule: True
    conda:
        "../envs/thaw.yaml"
    params:
        results=lambda wildcards: in_results("results"),
        key=lambda wildcards: leftovers_recipe().key,
    shell:
        r"""
        python -m thaw.stages.leftovers \
            --results {params.results:q} \
            --key {params.key:q} \
            2>{log:q}
        """


rule delete_leftovers:
    """Delete what no study of the config uses any more."""
    log:
        "logs/delete_leftovers.log",
    localrule: True
    conda:
        "../envs/thaw.yaml"
    params:
        results=lambda wildcards: in_results("results"),
        key=lambda wildcards: leftovers_recipe().key,
    shell:
        r"""
        python -m thaw.stages.leftovers \
            --results {params.results:q} \
            --key {params.key:q} \
            --delete \
            2>{log:q}
        """

"""Problems: classification data sets with a fixed train/test split.

Needs: `problems` of the config.
Makes: results/problems/{problem}.npz, and a figure of the two-dimensional ones.
"""


rule make_problem:
    """Generate a problem's data and split it."""
    input:
        code=code("make_problem"),
    output:
        "results/problems/{problem}.npz",
    log:
        "logs/problems/{problem}.log",
    benchmark:
        "logs/problems/{problem}.benchmark.tsv"
    conda:
        "../envs/thaw.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        settings=problem_settings,
    shell:
        r"""
        python -m thaw.stages.make_problem \
            --settings {params.settings:q} \
            --output {output:q} \
            2>{log:q}
        """


rule plot_problems:
    """Draw the two-dimensional problems, a panel each."""
    input:
        problems=expand(
            "results/problems/{problem}.npz", problem=sorted(CONFIG.problems)
        ),
        code=code("plot_problems"),
    output:
        "results/problems/problems.svg",
        "results/problems/problems.png",
    log:
        "logs/plot_problems.log",
    benchmark:
        "logs/plot_problems.benchmark.tsv"
    conda:
        "../envs/thaw.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    shell:
        r"""
        python -m thaw.stages.plot_problems \
            --problems {input.problems:q} \
            --output {output:q} \
            2>{log:q}
        """

"""Figures of a study.

Needs: the study's tables.
Makes: in results/{study}/, each as .svg, .pdf and .png: boxplot, learning-curves,
differences, gains-by-epoch and, where there are source models, source-models and, where there are
several, source-accuracy and source-spread; of a study with several target sizes,
target-sizes and freeze-map. In results/maps/{map}/: freeze-map of several studies.
"""


rule plot_boxplot:
    """Draw a study's test accuracies: a box a variant, a point a repeat."""
    input:
        settings=settings("plot_boxplot", "places", "metric", "variants", "shown_size"),
        histories="results/{study}/histories.npz",
    output:
        figure=multiext("results/{study}/boxplot", ".svg", ".pdf", ".png"),
        record="results/{study}/records/plot_boxplot.json",
    log:
        "logs/{study}/plot_boxplot.log",
    localrule: True
    conda:
        "../envs/thaw.yaml"
    params:
        stage=stage,
        key=key,
    shell:
        r"""
        python -m thaw.stages.{params.stage} \
            --settings {input.settings:q} \
            --key {params.key:q} \
            --histories {input.histories:q} \
            --output {output.figure:q} \
            --record {output.record:q} \
            2>{log:q}
        """


use rule plot_boxplot as plot_source_models with:
    """Draw the source models' learning curves."""
    input:
        settings=settings("plot_source_models", "source_models"),
        histories="results/{study}/histories.npz",
    output:
        figure=multiext("results/{study}/source-models", ".svg", ".pdf", ".png"),
        record="results/{study}/records/plot_source_models.json",
    log:
        "logs/{study}/plot_source_models.log",
    localrule: True


use rule plot_boxplot as plot_source_accuracy with:
    """Draw each source model's own accuracy against what is reached from it."""
    input:
        settings=settings(
            "plot_source_accuracy", "places", "metric", "variants", "shown_size"
        ),
        histories="results/{study}/histories.npz",
    output:
        figure=multiext("results/{study}/source-accuracy", ".svg", ".pdf", ".png"),
        record="results/{study}/records/plot_source_accuracy.json",
    log:
        "logs/{study}/plot_source_accuracy.log",
    localrule: True


use rule plot_boxplot as plot_source_spread with:
    """Draw what each source model makes of a variant, beside the baseline."""
    input:
        settings=settings(
            "plot_source_spread",
            "places",
            "metric",
            "variants",
            "baseline",
            "shown_size",
        ),
        histories="results/{study}/histories.npz",
    output:
        figure=multiext("results/{study}/source-spread", ".svg", ".pdf", ".png"),
        record="results/{study}/records/plot_source_spread.json",
    log:
        "logs/{study}/plot_source_spread.log",
    localrule: True


rule plot_learning_curves:
    """Draw a study's learning curves: a line a variant, with a band."""
    input:
        settings=settings(
            "plot_learning_curves",
            "places",
            "source_models",
            "variants",
            "shown_size",
            reads=["learning_curves"],
        ),
        curves="results/{study}/learning-curves.csv",
        curves_record="results/{study}/records/learning_curves.json",
    output:
        figure=multiext("results/{study}/learning-curves", ".svg", ".pdf", ".png"),
        record="results/{study}/records/plot_learning_curves.json",
    log:
        "logs/{study}/plot_learning_curves.log",
    localrule: True
    conda:
        "../envs/thaw.yaml"
    params:
        key=key,
    shell:
        r"""
        python -m thaw.stages.plot_learning_curves \
            --settings {input.settings:q} \
            --key {params.key:q} \
            --curves {input.curves:q} \
            --curves-record {input.curves_record:q} \
            --output {output.figure:q} \
            --record {output.record:q} \
            2>{log:q}
        """


rule plot_differences:
    """Draw a study's comparisons: each difference with its interval."""
    input:
        settings=settings("plot_differences", "metric", "margin", reads=["compare"]),
        comparisons="results/{study}/comparisons.csv",
        comparisons_record="results/{study}/records/compare.json",
    output:
        figure=multiext("results/{study}/differences", ".svg", ".pdf", ".png"),
        record="results/{study}/records/plot_differences.json",
    log:
        "logs/{study}/plot_differences.log",
    localrule: True
    conda:
        "../envs/thaw.yaml"
    params:
        key=key,
    shell:
        r"""
        python -m thaw.stages.plot_differences \
            --settings {input.settings:q} \
            --key {params.key:q} \
            --comparisons {input.comparisons:q} \
            --comparisons-record {input.comparisons_record:q} \
            --output {output.figure:q} \
            --record {output.record:q} \
            2>{log:q}
        """


rule plot_gains_by_epoch:
    """Draw how the gain over the baseline changes as training goes on."""
    input:
        settings=settings(
            "plot_gains_by_epoch",
            "variants",
            "places",
            "metric",
            "margin",
            "baseline",
            "shown_size",
            reads=["gains_by_epoch"],
        ),
        gains="results/{study}/gains-by-epoch.csv",
        gains_record="results/{study}/records/gains_by_epoch.json",
    output:
        figure=multiext("results/{study}/gains-by-epoch", ".svg", ".pdf", ".png"),
        record="results/{study}/records/plot_gains_by_epoch.json",
    log:
        "logs/{study}/plot_gains_by_epoch.log",
    localrule: True
    conda:
        "../envs/thaw.yaml"
    params:
        key=key,
    shell:
        r"""
        python -m thaw.stages.plot_gains_by_epoch \
            --settings {input.settings:q} \
            --key {params.key:q} \
            --gains {input.gains:q} \
            --gains-record {input.gains_record:q} \
            --output {output.figure:q} \
            --record {output.record:q} \
            2>{log:q}
        """


rule plot_target_sizes:
    """Draw how a study's variants fare as they learn from more rows."""
    input:
        settings=settings(
            "plot_target_sizes",
            "places",
            "metric",
            "variants",
            "target_sizes",
            "baseline",
            "margin",
            reads=["summarize", "compare"],
        ),
        summary="results/{study}/summary.csv",
        summary_record="results/{study}/records/summarize.json",
        comparisons="results/{study}/comparisons.csv",
        comparisons_record="results/{study}/records/compare.json",
    output:
        figure=multiext("results/{study}/target-sizes", ".svg", ".pdf", ".png"),
        record="results/{study}/records/plot_target_sizes.json",
    log:
        "logs/{study}/plot_target_sizes.log",
    localrule: True
    conda:
        "../envs/thaw.yaml"
    params:
        key=key,
    shell:
        r"""
        python -m thaw.stages.plot_target_sizes \
            --settings {input.settings:q} \
            --key {params.key:q} \
            --summary {input.summary:q} \
            --summary-record {input.summary_record:q} \
            --comparisons {input.comparisons:q} \
            --comparisons-record {input.comparisons_record:q} \
            --output {output.figure:q} \
            --record {output.record:q} \
            2>{log:q}
        """


rule plot_freeze_map:
    """Draw what each depth of a study gains at each target size."""
    input:
        settings=settings("plot_freeze_map", "maps", reads=["compare"]),
        comparisons="results/{study}/comparisons.csv",
        comparisons_records="results/{study}/records/compare.json",
    output:
        figure=multiext("results/{study}/freeze-map", ".svg", ".pdf", ".png"),
        record="results/{study}/records/plot_freeze_map.json",
    log:
        "logs/{study}/plot_freeze_map.log",
    localrule: True
    conda:
        "../envs/thaw.yaml"
    params:
        key=key,
    shell:
        r"""
        python -m thaw.stages.plot_freeze_map \
            --settings {input.settings:q} \
            --key {params.key:q} \
            --comparisons {input.comparisons:q} \
            --comparisons-records {input.comparisons_records:q} \
            --output {output.figure:q} \
            --record {output.record:q} \
            2>{log:q}
        """


PLAN.add_maps("plot_maps")


use rule plot_freeze_map as plot_maps with:
    """Draw the freeze maps of several studies side by side."""
    input:
        settings="results/maps/{map}/settings/plot_maps.json",
        comparisons=of_mapped("comparisons.csv"),
        comparisons_records=of_mapped("records/compare.json"),
    output:
        figure=multiext("results/maps/{map}/freeze-map", ".svg", ".pdf", ".png"),
        record="results/maps/{map}/records/plot_maps.json",
    log:
        "logs/maps/{map}.log",
    localrule: True

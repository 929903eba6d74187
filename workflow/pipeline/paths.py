"""Every path of `results/`, once: templates with Snakemake's wildcards, relative to the run.

The wildcard `variation` is empty for the nominal files, else the folder of a systematic variation.
"""

NOMINAL = ""
VARIATION = "variations/{name}/"
"""What stands for the wildcard `variation`."""

SAMPLE_FILE = "results/{variation}samples/{sample}/{chunk}.root"
SAMPLE_METADATA = "results/{variation}samples/{sample}/{chunk}.json"
EVENTS = "results/{variation}events/{sample}/{chunk}.parquet"
CUTFLOW = "results/{variation}events/{sample}/{chunk}.cutflow.json"
NORMALISATION = "results/{variation}normalisation/{sample}.json"
TAG_MAP = "results/tag_maps/{process}.json"
DATASET = "results/{variation}datasets/{sample}.h5"
TRAINING = "results/models/{network}/{masses}/{seed}"
MODEL = f"{TRAINING}/fold{{fold}}"
ONNX = "results/onnx/{network}/{signal}/{seed}.onnx"
SCORES = "results/{variation}scores/{network}/{signal}/{seed}.parquet"
MIXED = "results/mixed/{network}/{signal}/{seed}.parquet"
LIMIT = "results/limits/{network}/{signal}/{seed}.json"
WORKSPACE = "results/workspaces/{network}/{signal}/{seed}.json"
HS3 = "results/workspaces/{network}/{signal}/{seed}.hs3.json"
METRICS = "results/metrics/{network}/{signal}/{seed}.json"
CALIBRATION = "results/calibration/{network}/{signal}/{seed}.csv"
RATIOS = "results/network_ratios/{signal}.csv"

CUTFLOW_TABLE = "results/cutflow.csv"
N_MINUS_ONE_TABLE = "results/n_minus_one.csv"
LIMITS_TABLE = "results/limits.csv"
LIMITS_SUMMARY = "results/limits_summary.csv"
WORKING_POINT_SCAN = "results/working_point_scan.csv"
PROJECTION_TABLE = "results/projection.csv"
EFFICIENCIES = "results/efficiencies.csv"
LIKELIHOODS = "results/likelihoods.tar.gz"
HEPDATA = "results/hepdata"
METRICS_TABLE = "results/metrics.csv"
NETWORKS_TABLE = "results/networks.csv"
RATIOS_TABLE = "results/network_ratios.csv"
LIMIT_RATIOS = "results/limit_ratios.csv"
DISTRIBUTIONS = "results/figures/distributions"
DISTRIBUTIONS_TABLE = "results/distributions.csv"
ROC_FIGURE = "results/figures/roc_{signal}"
DEPENDENCE_FIGURE = "results/figures/{kind}_{signal}"
CLS_FIGURE = "results/figures/cls_{network}"
LIMITS_FIGURE = "results/figures/limits"
RATIOS_FIGURE = "results/figures/ratios_{signal}"
CALIBRATION_FIGURE = "results/figures/calibration_{signal}"
TRAINING_FIGURE = "results/figures/training_{signal}"
INTERPRETATION = "results/interpretation/{network}/{signal}/{seed}"
INTERPRETATION_FIGURE = "results/figures/interpretation/{network}/{signal}/{seed}/{view}"
EVENT_DISPLAY = "results/figures/event_{sample}"
SUBJET_SCAN = "results/figures/subjet_scan_{signal}"
SUBJET_TREE = "results/figures/subjet_tree_{signal}"
JET_IMAGES = "results/figures/jet_images"
N_MINUS_ONE = "results/figures/n_minus_one"
THETA_CORRELATION = "results/figures/theta_correlation"
REWEIGHTING = "results/reweighting/{reweighting}/{classifier}"
CLASSIFIER = f"{REWEIGHTING}/{{seed}}"
EVENT_FACTORS = f"{REWEIGHTING}/weights.parquet"
CLOSURE = f"{REWEIGHTING}/closure.csv"
CLOSURE_SHAPES = f"{REWEIGHTING}/shapes.csv"
CLOSURE_CALIBRATION = f"{REWEIGHTING}/calibration.csv"
CLOSURE_TABLE = "results/reweighting.csv"
CLOSURE_FIGURE = "results/figures/reweighting/{reweighting}/{classifier}"
TOP_TAGGING = "results/top_tagging/{split}.h5"
JET_CLASS = "results/jet_class/{split}.h5"
JETS_MODEL = "results/jets/{task}/{tagger}/{seed}"
JETS_METRICS = f"{JETS_MODEL}/metrics.json"
JETS_CLASSES = f"{JETS_MODEL}/classes.json"
CLASSES_TABLE = "results/jet_class.csv"
JETS_TABLE = "results/jets.csv"
JETS_FIGURE = "results/figures/jets_{task}"
PAGE = "results/index.html"
CRATE = "results/ro-crate-metadata.json"

LOGS = "results/logs"
BENCHMARKS = "results/benchmarks"


def nominal(template: str) -> str:
    """Return the template of the nominal files."""
    return template.replace("{variation}", NOMINAL)


def variation_name(variation: str) -> str:
    """Return the name of the variation whose folder it is; nothing for the nominal one."""
    return variation.removesuffix("/").rpartition("/")[2]


def log(rule: str, job: str = "") -> str:
    """Return where a rule's jobs log; `job` holds the wildcards that tell them apart."""
    return f"{LOGS}/{rule}{job and '/'}{job}.log"


def benchmark(rule: str, job: str = "") -> str:
    """Return where the time and memory of a rule's jobs are written, as `log` does."""
    return f"{BENCHMARKS}/{rule}{job and '/'}{job}.tsv"


def templates() -> list[str]:
    """Return every path above, and one in each of the folders above."""
    every = [value for name, value in globals().items() if name.isupper()]
    paths = [nominal(value) for value in every if value.startswith("results/")]
    return [*paths, *(f"{folder}/_" for folder in (LOGS, BENCHMARKS, f"results/{VARIATION}"))]

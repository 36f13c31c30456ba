"""Sums of samples in the Prometheus exposition format."""

from collections.abc import Mapping

from prometheus_client.parser import text_string_to_metric_families


def sum_samples_by_label(exposition: bytes, metric: str, label: str) -> Mapping[str, float]:
    """Sums the samples named ``metric`` by the value of ``label``. Returns an empty mapping if there are none."""
    sums: dict[str, float] = {}
    for family in text_string_to_metric_families(exposition.decode()):
        for sample in family.samples:
            if sample.name == metric:
                key = sample.labels.get(label, "")
                sums[key] = sums.get(key, 0.0) + sample.value
    return sums

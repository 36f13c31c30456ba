"""No input stops a door for others: every attack of the corpus against the running demo, beside a bystander."""

from collections.abc import Iterator

import pytest

from tests.hostile.bystander import Bystander
from tests.hostile.corpus.classes import CLASSES
from tests.hostile.corpus.requests import Attack
from tests.hostile.measurement import Idle, measure, measure_idle
from tests.hostile.target import ProcessList, Target
from tests.serve.secretary_process import API_KEY, SecretaryProcess, uses_data_folder

pytestmark = pytest.mark.delays

_MOST_MEASUREMENTS = 6
_STOLEN_S = 0.05


@pytest.fixture(scope="module")
def target(demo: SecretaryProcess) -> Target:
    return Target(demo.url, API_KEY, ProcessList(lambda process: uses_data_folder(process, demo.data)))


@pytest.fixture(scope="module")
def bystander(target: Target) -> Iterator[Bystander]:
    with Bystander(target.port) as running:
        yield running


@pytest.fixture(scope="module")
def idle(target: Target, bystander: Bystander) -> Idle:
    return measure_idle(target, bystander)


def _breaches(target: Target, bystander: Bystander, idle: Idle, attack: Attack) -> list[str]:
    """The breaches of an attack that it makes twice: a busy machine can delay anybody once. Those of a moment without a
    processor do not count."""
    found: list[str] = []
    repeated = 0
    for _ in range(_MOST_MEASUREMENTS):
        cost = measure(target, bystander, idle, attack.name, attack.send)
        print(cost)
        if not (found := cost.breaches()):
            return []
        repeated += cost.stolen_s < _STOLEN_S
        if repeated == 2:
            break
    return found


@pytest.mark.parametrize("kind", CLASSES)
def test_attack_costs_bystanders_little(target: Target, bystander: Bystander, idle: Idle, kind: str) -> None:
    found = [breach for attack in CLASSES[kind]() for breach in _breaches(target, bystander, idle, attack)]
    assert found == []

"""Which link is used."""

from proxies.link_pool import LinkPool


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_pool_keeps_the_link_that_worked() -> None:
    pool = LinkPool(3, clock=Clock())
    assert list(pool.order()) == [0, 1, 2]
    pool.failed(0, "refused")
    assert list(pool.order()) == [1, 2, 0]
    pool.succeeded(1)
    assert (pool.current, pool.last_switch and pool.last_switch.reason) == (1, "refused")
    pool.probed(0, 12.0, 401)
    assert list(pool.order()) == [1, 2, 0], "the link that works stays in use"
    assert LinkPool(3, current=2).order() == [2, 0, 1]
    assert LinkPool(3, current=9).order() == [0, 1, 2]
    assert LinkPool(0).order() == []


def test_pool_tries_broken_links_last_and_probes_them_later() -> None:
    clock = Clock()
    pool = LinkPool(3, clock=clock)
    for index in (2, 0, 1, 0):
        pool.failed(index, "refused")
        clock.now += 1
    assert list(pool.order()) == [2, 1, 0], "the one whose cooldown ends first"
    assert pool.due() == []
    clock.now += 3
    assert list(pool.due()) == [1, 2]
    pool.probe_failed(2, "still refused")
    assert pool.links[2].failures == 2
    assert pool.next_due_s == 0.0
    for _ in range(20):
        pool.failed(1, "x")
    assert pool.links[1].retry_at - clock.now == 300.0
    pool.probed(2, 5.0, 200)
    assert (pool.links[2].broken, next(iter(pool.order()))) == (False, 2)

"""The desk of brokers: nothing is opened but by a person, in the one world for it, once per account."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from stockpulse_engine.adapters.brokersfile import BrokersFile
from stockpulse_engine.base.clock import Clock, ManualClock
from stockpulse_engine.base.paths import Paths, resolve_paths
from stockpulse_engine.bootstrap.brokers import BrokerDesk
from stockpulse_engine.domain.accounts import Account, AccountKind
from stockpulse_engine.domain.brokers import BrokerConfig
from stockpulse_engine.domain.errors import ConflictError, ForbiddenError, NotFoundError
from stockpulse_engine.storage.secrets.sealed import Cost
from stockpulse_engine.storage.secrets.vault import Vault
from stockpulse_engine.trading.ports import Broker
from tests.fakes.fake_broker import FakeBroker, FakeVenue

PHRASE = "four quiet words here"
CANARY = "CANARY-7-secret-of-the-desk"


class Orders:
    """The order service as far as connections go."""

    def __init__(self) -> None:
        self.joined: dict[str, Broker] = {}
        self.refuses = False

    async def join(self, name: str, broker: Broker) -> None:
        self.joined[name] = broker

    async def leave(self, name: str) -> None:
        if self.refuses:
            raise ConflictError("1 order(s) are open there.")
        del self.joined[name]


class Bench:
    """One home with two configured connections, and engines over it."""

    def __init__(self, root: Path) -> None:
        self.paths: Paths = resolve_paths(root / "home")
        self.locks = root / "locks"
        self.built: list[tuple[str, Mapping[str, str]]] = []
        file = BrokersFile(self.paths.brokers_file)
        for name, kind in (("practice", AccountKind.PAPER), ("money", AccountKind.LIVE)):
            file.put(BrokerConfig(name=name, adapter="alpaca", kind=kind))
            self.vault().put(name, {"key_id": f"id-of-{name}", "secret_key": f"{CANARY}-{name}"}, PHRASE)

    def vault(self) -> Vault:
        cheap = Cost(n=1024, r=1, p=1)
        return Vault(self.paths, ManualClock(), find_ring=lambda: None, cost=cheap, harden=lambda: None)

    def build(self, config: BrokerConfig, secrets: Mapping[str, str], *, clock: Clock) -> Broker:
        self.built.append((config.name, secrets))
        return FakeBroker(FakeVenue())

    def desk(self, world: str = "live") -> tuple[BrokerDesk, Orders]:
        orders = Orders()
        accounts: Sequence[Account] = ()
        desk = BrokerDesk(
            self.paths,
            world,
            ManualClock(),
            connections=lambda: orders,
            accounts=lambda: accounts,
            locks=self.locks,
            vault=self.vault(),
            build=self.build,
        )
        return desk, orders


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


async def test_without_names_practice_money_alone_is_opened(bench: Bench) -> None:
    desk, orders = bench.desk()
    assert {view.name: view.state for view in await desk.views()} == {"practice": "locked", "money": "locked"}
    await desk.unlock([], PHRASE, with_live=False)
    assert set(orders.joined) == {"practice"}
    assert bench.built == [("practice", {"key_id": "id-of-practice", "secret_key": f"{CANARY}-practice"})]
    assert {view.name: view.state for view in await desk.views()} == {"practice": "joined", "money": "locked"}


async def test_live_money_is_opened_only_when_it_is_said(bench: Bench) -> None:
    desk, orders = bench.desk()
    with pytest.raises(ForbiddenError, match="money is LIVE"):
        await desk.unlock(["money"], PHRASE, with_live=False)
    assert orders.joined == {}
    await desk.unlock(["money"], PHRASE, with_live=True)
    assert set(orders.joined) == {"money"}
    config = desk.config_of("money")
    assert config is not None
    assert config.kind is AccountKind.LIVE


@pytest.mark.covers("F17", "R20")
@pytest.mark.parametrize("world", ["sim", "replay:2013-10-07"])
async def test_a_world_of_paper_builds_nothing_and_reads_no_credential(bench: Bench, world: str) -> None:
    desk, orders = bench.desk(world)
    with pytest.raises(ForbiddenError, match="joined in world live alone"):
        await desk.unlock(["practice"], PHRASE, with_live=True)
    assert (bench.built, orders.joined) == ([], {})
    assert all(view.state == "not in this world" for view in await desk.views())


async def test_a_wrong_passphrase_opens_nothing(bench: Bench) -> None:
    desk, orders = bench.desk()
    with pytest.raises(ForbiddenError, match="passphrase is wrong"):
        await desk.unlock([], "not the right words", with_live=False)
    with pytest.raises(NotFoundError, match="Did you mean practice"):
        await desk.unlock(["practise"], PHRASE, with_live=False)
    assert (bench.built, orders.joined) == ([], {})


@pytest.mark.covers("F18")
async def test_one_engine_per_account_whatever_its_home(bench: Bench, tmp_path: Path) -> None:
    first, _ = bench.desk()
    await first.unlock(["practice"], PHRASE, with_live=False)
    other_home = Bench(tmp_path / "second")
    other_home.locks = bench.locks
    second, orders = other_home.desk()
    with pytest.raises(ConflictError, match="The account behind practice is in use by process"):
        await second.unlock(["practice"], PHRASE, with_live=False)
    assert (orders.joined, other_home.built) == ({}, [])
    await first.lock([])
    await second.unlock(["practice"], PHRASE, with_live=False)
    assert set(orders.joined) == {"practice"}


async def test_locking_forgets_and_is_refused_while_orders_work_there(bench: Bench) -> None:
    desk, orders = bench.desk()
    await desk.unlock(["practice"], PHRASE, with_live=False)
    orders.refuses = True
    with pytest.raises(ConflictError, match="are open there"):
        await desk.lock([])
    assert [view.state for view in await desk.views()] == ["joined", "locked"]
    orders.refuses = False
    assert [view.state for view in await desk.lock([])] == ["locked", "locked"]
    assert desk.config_of("practice") is None
    assert CANARY not in repr(desk._vault)


@pytest.mark.covers("R21")
async def test_no_view_and_no_lock_file_shows_a_secret(bench: Bench) -> None:
    desk, _ = bench.desk()
    await desk.unlock(["money", "practice"], PHRASE, with_live=True)
    assert CANARY not in repr(await desk.views())
    names = [one.name for one in bench.locks.iterdir()]
    assert len(names) == 2
    assert all(CANARY not in name and "id-of" not in name for name in names)
    assert all(CANARY not in one.read_text() for one in bench.locks.iterdir())
    await desk.stop()


async def test_a_login_elsewhere_is_joined_without_the_vault(bench: Bench) -> None:
    BrokersFile(bench.paths.brokers_file).put(BrokerConfig(name="gateway", adapter="ibkr", kind=AccountKind.PAPER))
    desk, orders = bench.desk()
    (view,) = await desk.unlock(["gateway"], "", with_live=False)
    assert (view.state, view.place) == ("joined", "gateway's own login")
    assert bench.built == [("gateway", {})]
    await desk.lock(["gateway"])
    assert orders.joined == {}

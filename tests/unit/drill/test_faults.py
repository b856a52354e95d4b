"""The fault vocabulary: complete, said in words, drawn from a seed, each fault for itself."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from stockpulse_engine.drill.faults import LOCAL, NET, VENUE, WORDS, Fault, FaultPlan, Layer, fault_named


def test_there_are_42_faults_each_with_words_and_a_layer() -> None:
    assert len(Fault) == len(WORDS) == 42
    assert (len(NET), len(VENUE), len(LOCAL)) == (21, 14, 7)
    assert all(fault.words and "\n" not in fault.words for fault in Fault)
    assert {fault.layer for fault in Fault} == set(Layer)
    assert all(fault_named(fault.value) is fault for fault in Fault)
    assert fault_named("flood") is None


@given(seed=st.integers(0, 10_000))
def test_the_same_seed_strikes_the_same(seed: int) -> None:
    def calls(plan: FaultPlan) -> list[bool]:
        return [plan.strikes(fault) for _ in range(20) for fault in (Fault.DROP, Fault.RESET, Fault.REJECT)]

    assert calls(FaultPlan.draw(seed, most=0.9)) == calls(FaultPlan.draw(seed, most=0.9))


@given(seed=st.integers(0, 1_000), gone=st.sampled_from(list(Fault)))
def test_leaving_one_out_changes_nothing_about_the_others(seed: int, gone: Fault) -> None:
    whole = FaultPlan.draw(seed, most=1.0)
    fewer = whole.without({gone})
    kept = [fault for fault in Fault if fault is not gone]
    assert [whole.strikes(fault) for fault in kept] == [fewer.strikes(fault) for fault in kept]
    assert not fewer.strikes(gone)


def test_what_is_forced_strikes_as_often_as_asked_and_is_counted() -> None:
    plan = FaultPlan()
    plan.force(Fault.GARBAGE, 2)
    assert [plan.strikes(Fault.GARBAGE) for _ in range(3)] == [True, True, False]
    plan.force(Fault.RESET)
    plan.release(Fault.RESET)
    assert plan.first_of((Fault.RESET, Fault.GARBAGE)) is None
    assert plan.struck == {Fault.GARBAGE: 2}


def test_after_the_storm_only_what_is_forced_strikes() -> None:
    plan = FaultPlan(1, {Fault.DROP: 1.0}, forced={Fault.SILENCE})
    assert plan.strikes(Fault.DROP)
    assert plan.strikes(Fault.SILENCE)
    plan.calm()
    plan.force(Fault.RESET)
    assert [plan.strikes(fault) for fault in (Fault.DROP, Fault.SILENCE, Fault.RESET)] == [False, False, True]

from __future__ import annotations

from sessions.gates.results import NO_STATUS, Failure, Results, TestId
from sessions.gates.shard_results import complete, join_results
from sessions.gates.shards import Shard, ShardFiles

A, B, C, D = (TestId(f"{letter}.py", "f") for letter in "abcd")


def part(**fields: object) -> Results:
    return Results(gate="unit", **fields)  # type: ignore[arg-type]


def test_several_runs_are_told_as_one() -> None:
    whole = join_results(
        [
            part(
                failures=(Failure(test=B, message="first"),),
                passed=(A, C),
                files=("a.py", "b.py"),
                tests=3,
                status=1,
                notes=("odd",),
                counts={"x.py": 2},
                times={"a.py": 1.0},
            ),
            part(failures=(Failure(test=A),), skipped=(D,), files=("d.py",), tests=2, status=1, notes=("odd", "odder")),
            part(failures=(Failure(test=B, message="second"),), skipped=(C,), counts={"y.py": 0}, lists_faults=True),
        ]
    )
    assert whole == part(
        failures=(Failure(test=A), Failure(test=B, message="first")),
        passed=(C,),
        skipped=(D,),
        files=("a.py", "b.py", "d.py"),
        counts={"x.py": 2, "y.py": 0},
        lists_faults=True,
        tests=5,
        status=NO_STATUS,
        notes=("odd", "odder"),
    )
    assert whole.times == {"a.py": 1.0}


def test_one_part_alone_is_the_run_itself() -> None:
    alone = part(failures=(Failure(test=B),), passed=(A,), files=("a.py",), tests=2, status=3, trouble="interrupted")
    assert join_results([alone]) == alone
    assert join_results([]) == Results(status=NO_STATUS)


def test_trouble_of_any_part_is_trouble_of_the_whole() -> None:
    assert join_results([part(passed=(A,)), part(trouble="killed"), part(trouble="cut")]).trouble == "killed"


def test_only_a_whole_division_is_complete() -> None:
    first = {ShardFiles(Shard(1, 2), ("a",)): "one"}
    shards = first | {ShardFiles(Shard(2, 2), ("b",)): "two"}
    assert complete(shards, ["b", "a"]) == ("one", "two")
    assert complete(shards, ["a", "b", "c"]) == ()
    assert complete(shards, ["a"]) == ()
    assert complete(first, ["a", "b"]) == ()
    assert complete(first, ["a"]) == ("one",)  # more shards than files: the others are empty

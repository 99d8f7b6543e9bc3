"""A stop condition: ends a run after so many US dollars, and says what they were."""

from dataclasses import dataclass

from loopengt import UsageError
from loopengt_hookspecs import hookimpl
from loopengt_hookspecs.models import End, EndReason, LoopSpec, StopCondition
from loopengt_hookspecs.registration import Register
from loopengt_hookspecs.stop_conditions import Progress, StopConditionKind


class Spent:
    def bind(self, condition: StopCondition, spec: LoopSpec) -> "SpentRule":
        value = condition.value
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf"):
            raise UsageError(f"spent has the value {value!r}", remedy="write US dollars, such as value: 2.5")
        return SpentRule(float(value))


@dataclass(frozen=True)
class SpentRule:
    """Serves every run of the loop, so it keeps nothing of any."""

    dollars: float

    def check(self, progress: Progress) -> End | None:
        if progress.cost_usd < self.dollars:
            return None
        return End(EndReason.EXHAUSTED, f"spent ${progress.cost_usd:.2f} of ${self.dollars:.2f}")


@hookimpl
def loopengt_register_stop_conditions(register: Register[StopConditionKind]) -> None:
    register("spent", Spent, summary="After so many US dollars: exhausted")

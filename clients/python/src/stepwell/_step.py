# SPDX-License-Identifier: Apache-2.0
"""What a step is told about itself, and how a step is written down before it is asked for."""

from __future__ import annotations

import functools
import inspect
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field, is_dataclass, replace
from typing import (
    TYPE_CHECKING,
    Any,
    Generic,
    ParamSpec,
    Protocol,
    TypedDict,
    TypeVar,
    cast,
    overload,
)

from stepwell._errors import ProgramError, StepFailure
from stepwell._rpc import run_sync
from stepwell._unknown import looks_unknown
from stepwell._values import (
    Doubt,
    Durability,
    Effect,
    Kind,
    Resolution,
    Retry,
    Seconds,
    StepState,
    Usage,
)

if TYPE_CHECKING:
    from typing_extensions import Unpack

P = ParamSpec("P")
R = TypeVar("R")

Reconcile = Callable[[Doubt], Resolution | Awaitable[Resolution]]
UnknownOn = Sequence[type[BaseException]] | Callable[[BaseException], bool]


class Unset:
    """The type of UNSET: not given, where None would mean something."""

    def __repr__(self) -> str:
        return "UNSET"


UNSET = Unset()


class StepOptions(TypedDict, total=False):
    """What can be said about a step, beside its key and its function."""

    effect: Effect
    """What repeating it would do. Default ONCE, the careful reading."""
    kind: Kind
    """What it is, for people. Default CODE."""
    name: str
    """For people, and compared with what is recorded. Default: the function's name."""
    input: Any
    """What the step works on, compared with what is recorded. Default: its arguments."""
    record_input: bool
    """False keeps the input out of the journal; its digest is still compared."""
    retry: Retry
    """When to try again. Default: three attempts, one for ONCE."""
    timeout: Seconds
    """After this an attempt counts as lost; in asyncio the function is cancelled too."""
    heartbeat: Seconds
    """An attempt that is not heard of for so long counts as lost; see StepContext.heartbeat."""
    durability: Durability
    """Where the intent must be before the step may act."""
    reconcile: Reconcile
    """Asked when nobody knows whether the step happened."""
    unknown_on: UnknownOn
    """ONCE: exceptions, or a test of one, after which the effect may have taken place."""
    returns: Callable[[Any], Any]
    """Makes the step's value from its decoded form, such as a dataclass or a validator."""


@dataclass(frozen=True)
class StepCall:
    """A step as the program asks for it. Made by `call`."""

    key: str
    fn: Callable[..., Any] | None = None
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = field(default_factory=dict)
    effect: Effect = Effect.ONCE
    kind: Kind = Kind.CODE
    name: str | None = None
    input: Any = UNSET
    record_input: bool = True
    retry: Retry = field(default_factory=Retry)
    timeout: Seconds | None = None
    heartbeat: Seconds | None = None
    durability: Durability | None = None
    reconcile: Reconcile | None = None
    unknown_on: UnknownOn = looks_unknown
    returns: Callable[[Any], Any] | None = None

    def offered_name(self) -> str:
        """The name to record: given, or the function's; lambdas have none."""
        if self.name is not None:
            return self.name
        function = self.fn
        while isinstance(function, functools.partial):
            function = function.func
        name = getattr(function, "__name__", type(function).__name__ if function else "")
        return "" if name == "<lambda>" else name

    def offered_input(self) -> Any:
        """The input to compare: given, or the arguments; UNSET when there are none."""
        if self.input is not UNSET:
            return UNSET if self.input is None else self.input
        if self.kwargs:
            return {"args": list(self.args), "kwargs": self.kwargs}
        if len(self.args) == 1:
            return self.args[0]
        return list(self.args) if self.args else UNSET

    def is_unknown(self, error: BaseException, outer: BaseException | None) -> bool:
        """Whether the effect may have taken place although the function raised this.

        `outer` was being handled before the function began, and says nothing about it.
        """
        if self.effect is not Effect.ONCE:
            return False
        if self.unknown_on is looks_unknown:
            return looks_unknown(error, outer)
        if isinstance(self.unknown_on, (tuple, list)):
            return isinstance(error, tuple(self.unknown_on))
        return cast("Callable[[BaseException], bool]", self.unknown_on)(error)

    def replaced(self, **changes: Any) -> StepCall:
        """A copy with some fields changed."""
        return replace(self, **changes)

    def rebuild(self, decoded: Any) -> Any:
        """The value as `returns` makes it of the decoded one."""
        if self.returns is None:
            return decoded
        try:
            if is_dataclass(self.returns) and isinstance(decoded, dict):
                return self.returns(**decoded)
            return self.returns(decoded)
        except Exception as error:
            raise ProgramError(f"returns= of {self.key!r} refuses the value: {error}") from error

    def bind(self, context: ContextBase) -> Callable[[], Any]:
        """The function with its arguments, and the context if it has a parameter `step`."""
        assert self.fn is not None
        place = _step_parameter(self.fn)
        if place is None:
            return functools.partial(self.fn, *self.args, **self.kwargs)
        if place > len(self.args):
            return functools.partial(self.fn, *self.args, **{**self.kwargs, "step": context})
        args = (*self.args[:place], context, *self.args[place:])
        return functools.partial(self.fn, *args, **self.kwargs)


_BY_NAME = 1 << 30


def _step_parameter(function: Callable[..., Any]) -> int | None:
    """The position of the parameter `step`; _BY_NAME if it has none; None without one."""
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):  # some built-ins cannot say
        return None
    if "step" not in parameters:
        return None
    if parameters["step"].kind is inspect.Parameter.KEYWORD_ONLY:
        return _BY_NAME
    return list(parameters).index("step")


@dataclass(frozen=True)
class ResultOf:
    """Stands for the value of an earlier link of a chain. Made by `result_of`."""

    key: str


def result_of(key: str) -> Any:
    """In a chain: the value of the link with this key, as an argument or input of a later one."""
    return ResultOf(key)


def call(
    key: str, fn: Callable[..., Any], /, *args: Any, **options: Unpack[StepOptions]
) -> StepCall:
    """Writes a step down without asking for it: a link of a chain, or a `begin_next`."""
    if isinstance(fn, StepFunction):
        return fn.call_for(key, args, {}, options)
    return StepCall(key, fn, args, **options)


_current_step: ContextVar[ContextBase | None] = ContextVar("stepwell_step", default=None)
_active_run: ContextVar[Runner | None] = ContextVar("stepwell_run", default=None)


class Runner(Protocol):
    """A run, as a decorated function sees it."""

    def execute(self, call: StepCall) -> Any:
        """The step's value, or in asyncio an awaitable of it."""
        ...


Noter = Callable[["ContextBase", str, Any], Coroutine[Any, Any, None]]


class ContextBase:
    """What a step knows about its own attempt."""

    def __init__(self, key: str, noter: Noter) -> None:
        self.key = key
        self.attempt = 0
        """From 1."""
        self.idempotency_key = ""
        """Hand this to the effect: the same on every attempt and every node."""
        self.fencing_token = 0
        """Rises with every authorisation; for systems that can fence."""
        self.external_refs: tuple[str, ...] = ()
        """What earlier attempts and this one noted."""
        self.progress: Any = None
        """The latest progress noted."""
        self.deadline: float | None = None
        """After this the attempt counts as lost, seconds since the epoch."""
        self.used = Usage()
        self._noter = noter
        self.low_level: Any = None  # set by begin(), for complete()

    def time_left(self) -> float | None:
        """Seconds until the deadline, not below 0; None without one."""
        return None if self.deadline is None else max(0.0, self.deadline - time.time())

    def usage(
        self,
        *,
        input_tokens: int = 0,
        cached_input_tokens: int = 0,
        output_tokens: int = 0,
        cost_micros: int = 0,
    ) -> None:
        """Adds to what this attempt consumed; recorded with its outcome."""
        self.used.input_tokens += input_tokens
        self.used.cached_input_tokens += cached_input_tokens
        self.used.output_tokens += output_tokens
        self.used.cost_micros += cost_micros


class StepContext(ContextBase):
    """What a step knows about its own attempt, and what it can tell meanwhile."""

    def note(self, external_ref: str = "", *, progress: Any = UNSET) -> None:
        """Records what was learned, durably: an id to ask the provider by, or progress."""
        run_sync(self._noter(self, external_ref, progress))

    def heartbeat(self) -> None:
        """Says that the attempt is alive."""
        run_sync(self._noter(self, "", UNSET))


def current_step() -> StepContext:
    """The context of the step that is running; ProgramError outside of one."""
    context = _current_step.get()
    if not isinstance(context, StepContext):
        raise ProgramError("no step of the plain client is running here")
    return context


class StepFunction(Generic[P, R]):
    """A function that runs as a step of the active run. Made by `@step`."""

    def __init__(self, fn: Callable[P, R], key: str | None, options: StepOptions) -> None:
        functools.update_wrapper(self, fn)
        self.fn = fn
        """The function itself, to call it outside of a run."""
        self._key = key
        self._options = options

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        run = _active_run.get()
        if run is None:
            raise ProgramError(
                f"{self.fn.__name__} is a step and no run is active here; "
                "use run.step, or .fn for the bare function"
            )
        bound = _bind(self.fn, args, kwargs)
        key = self.fn.__name__ if self._key is None else self._key.format_map(bound.arguments)
        return cast(R, run.execute(self.call_for(key, bound.args, bound.kwargs, {})))

    def __get__(self, instance: Any, owner: type | None = None) -> StepFunction[..., R]:
        if instance is None:
            return self
        method = self.fn.__get__(instance, owner)
        return StepFunction(method, self._key, self._options)

    def call_for(
        self, key: str, args: tuple[Any, ...], kwargs: dict[str, Any], options: StepOptions
    ) -> StepCall:
        """The step this stands for; options given at the call go first."""
        merged: StepOptions = {**self._options, **options}
        return StepCall(key, self.fn, args, kwargs, **merged)


def _bind(fn: Callable[..., Any], args: Any, kwargs: Any) -> inspect.BoundArguments:
    """Binds what the caller gave; a parameter `step` is filled in later."""
    signature = inspect.signature(fn)
    rest = [p for p in signature.parameters.values() if p.name != "step"]
    return signature.replace(parameters=rest).bind(*args, **kwargs)


@overload
def step(fn: Callable[P, R], /) -> StepFunction[P, R]: ...
@overload
def step(
    *, key: str | None = None, **options: Unpack[StepOptions]
) -> Callable[[Callable[P, R]], StepFunction[P, R]]: ...
def step(
    fn: Callable[P, R] | None = None, /, *, key: str | None = None, **options: Unpack[StepOptions]
) -> StepFunction[P, R] | Callable[[Callable[P, R]], StepFunction[P, R]]:
    """Makes a function a step of whatever run is active where it is called.

    The key is the function's name, or `key` with the arguments filled in, such as
    "post-{channel}". Two calls with the same key are the same step.
    """
    if fn is not None:
        return StepFunction(fn, key, options)
    return lambda function: StepFunction(function, key, options)


@dataclass(frozen=True)
class Execute:
    """Act now, then complete `step`."""

    step: Any
    """A StepContext, or in asyncio a stepwell.aio.StepContext."""


@dataclass(frozen=True)
class Replay:
    """Do not act: it is done. `failure` is set when it failed for good."""

    value: Any
    failure: StepFailure | None
    attempt: int
    accepted_divergence: bool = False


@dataclass(frozen=True)
class InDoubt:
    """Do not act: nobody knows whether it happened. Resolve it, then begin again."""

    doubt: Doubt


@dataclass(frozen=True)
class Wait:
    """Do not act yet; begin again after `not_before` (seconds since the epoch; 0: poll)."""

    not_before: float
    held: bool
    """Another call of this holder runs the step now."""
    failure: StepFailure | None = None


Verdict = Execute | Replay | InDoubt | Wait


@dataclass(frozen=True)
class Completion:
    """What was recorded about an attempt."""

    state: StepState
    lsn: int
    not_before: float = 0.0
    """With RETRYING: when the next attempt may begin, seconds since the epoch."""
    next: Verdict | None = None
    """The answer to `begin_next`."""

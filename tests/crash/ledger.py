# SPDX-License-Identifier: Apache-2.0
"""What one journal's agent was told, kept outside of every node, and what must be left of it.

Acknowledged as REMOTE: an intent that BeginStep answered with EXECUTE for effect ONCE, what Flush
answered, and everything before those. Acknowledged as LOCAL: outcomes, resolutions, ends of runs.
"""

import collections
import dataclasses
import time

from witness import judge

# A lost record may be so old when its node is lost: the interval, one request to the store,
# and how late a busy machine runs a thread.
LATE_S = 1.5
# GetStatus reads lsn and lag one after the other, and the acknowledgement had to reach the agent.
SAMPLE_S = 0.25


@dataclasses.dataclass
class Told:
    what: tuple  # type of record, run, key, attempt
    at: float
    row: dict | None = None  # of the story: a result that was acknowledged


class Ledger:
    def __init__(self, interval_s: float) -> None:
        self.interval_s = interval_s
        self.told: dict[int, Told] = {}
        self.remote_lsn = 0   # everything up to here was acknowledged as REMOTE
        self.shipped_lsn = 0  # or was said to be in the store
        self.lag_s, self.lag_at = 0.0, 0.0  # the newest GetStatus: age of the oldest unshipped
        self.chain: dict[int, bytes] = {}  # of the newest record that outlived a node
        self.epoch = 0
        self.stories: dict[tuple, list[dict]] = collections.defaultdict(list)
        self.doubts: set[tuple] = set()  # steps whose intent outlived its holder, not its outcome
        self.counts: collections.Counter[str] = collections.Counter()
        self.oldest_lost_s = 0.0
        self.problems: list[str] = []

    def tell(self, lsn: int, *what: object, remote: bool = False, row: dict | None = None) -> None:
        if lsn in self.told and self.told[lsn].what != what:
            self.problems.append(f"lsn {lsn} was acknowledged as {self.told[lsn].what}, now {what}")
        self.told[lsn] = Told(what, time.monotonic(), row)
        self.counts["acks_remote" if remote else "acks_local"] += 1
        if remote:
            self.remote_lsn = max(self.remote_lsn, lsn)

    def flushed(self, lsn: int) -> None:
        self.remote_lsn = max(self.remote_lsn, lsn)
        self.counts["flushes"] += 1

    def sampled(self, shipped_lsn: int, lag_ms: int) -> None:
        self.shipped_lsn = max(self.shipped_lsn, shipped_lsn)
        self.lag_s, self.lag_at = lag_ms / 1000, time.monotonic()
        self.counts["status_samples"] += 1

    # ---- a new owner ------------------------------------------------------------

    def check(self, epoch: int, records: list, was_lost: bool, lost_at: float) -> None:
        """`records` of the new owner, from the newest that outlived the last one on."""
        found = {record.lsn: record for record in records}
        newest = max(found, default=0)
        if epoch <= self.epoch:
            self.problems.append(f"epoch {epoch} follows epoch {self.epoch}")
        self.epoch = epoch
        for lsn, chain in self.chain.items():
            if lsn not in found or found[lsn].chain != chain:
                self.problems.append(f"lsn {lsn} is not what it was for an earlier owner")
        if newest < self.remote_lsn:
            self.problems.append(f"acknowledged as REMOTE up to lsn {self.remote_lsn}, "
                                 f"restored up to {newest}")
        if newest < self.shipped_lsn:
            self.problems.append(f"GetStatus said shipped up to lsn {self.shipped_lsn}, "
                                 f"restored up to {newest}")
        self.check_told(found, newest)
        self.forget(newest, was_lost, lost_at)
        self.chain = {newest: found[newest].chain} if newest else {}
        self.told = {}

    def check_told(self, found: dict, newest: int) -> None:
        """Every record that was acknowledged and is in reach is the one that is there."""
        for lsn, told in self.told.items():
            if lsn > newest or lsn <= min(found, default=0):
                continue
            record = found[lsn]
            there = (record.type, record.run_id, record.key, record.attempt)
            if there != told.what:
                self.problems.append(f"lsn {lsn} was acknowledged as {told.what}, is {there}")

    def forget(self, newest: int, was_lost: bool, lost_at: float) -> None:
        """What LOCAL promises no more once the node is lost."""
        lost = [told for lsn, told in self.told.items() if lsn > newest]
        self.counts["local_acks_lost"] += len(lost)
        if lost and not was_lost:
            self.problems.append(f"{len(lost)} acknowledged records are gone, the disk is not")
        for told in lost:
            if told.row is not None:
                self.stories[told.what[1:3]].remove(told.row)
        if lost:
            self.check_age(min(lost, key=lambda told: told.at), lost_at)

    def check_age(self, oldest: Told, lost_at: float) -> None:
        """The oldest record that was lost, against the interval and against what was said of it."""
        age = lost_at - oldest.at
        self.oldest_lost_s = max(self.oldest_lost_s, age)
        if age > self.interval_s + LATE_S:
            self.problems.append(f"{oldest.what} was acknowledged {age:.1f} s before its node "
                                 f"was lost, and was not shipped")
        if self.lag_at - oldest.at > self.lag_s + SAMPLE_S:
            self.problems.append(f"{oldest.what} was not shipped, and older than the lag that "
                                 f"GetStatus told, {self.lag_s:.3f} s")

    # ---- effects ----------------------------------------------------------------

    def effect(self, run: str, step: str, effect: str, attempt: int, key: str, token: str) -> None:
        self.stories[run, step].append({"what": "effect", "effect": effect, "attempt": attempt,
                                        "key": key, "token": token})
        self.counts["effects_" + effect.lower()] += 1

    def tokens(self, run: str, step: str) -> list[str]:
        return [row["token"] for row in self.stories[run, step] if row["what"] == "effect"]

    def resolved(self, run: str, step: str, resolution: str) -> None:
        self.stories[run, step].append({"what": "resolve", "resolution": resolution})

    def verdict(self) -> None:
        for (run, step), rows in self.stories.items():
            self.problems += [f"{run} {step}: {text}" for text in judge(rows, self.counts)]

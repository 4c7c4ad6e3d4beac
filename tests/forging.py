"""Whoever rewrites the log recomputes everything that can be: all but what a key must sign."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from consent.audit.tree import Frontier, leaf_hash
from identity.entry import Who, seal_entry
from tests.tampering import Log

Place = tuple[Any, int]  # whose entry, and its id


@dataclass(frozen=True)
class Forger:
    """Lays the log anew in another order: hashes, lists, tree, sizes; heads are kept or dropped."""

    log: Log

    def order(self) -> list[Place]:
        """The log as it lies."""
        return self.log.vandal.tells(
            "SELECT citizen_id, entry_id FROM log_position ORDER BY position"
        )

    def lays(self, order: list[Place], *, drops_heads: bool = True) -> None:
        """These entries are the log, in this order, and every table agrees."""
        leaves, lists = self._leaves(), {}
        frontier = Frontier().grown(leaf_hash(leaves[entry]) for _, entry in order)
        with self.log.vandal.at_work() as does:
            does("DELETE FROM log_position")
            does("DELETE FROM log_subject")
            for position, (citizen, entry) in enumerate(order):
                does("INSERT INTO log_position (position, citizen_id, entry_id, leaf_hash)"
                     " VALUES (:1, :2, :3, :4)",
                     position, citizen, entry, leaf_hash(leaves[entry]))  # fmt: skip
                if set(str(citizen)) <= set("0-"):
                    continue
                own = lists.setdefault(citizen, [])
                does("INSERT INTO log_subject (citizen_id, n, position, previous)"
                     " VALUES (:1, :2, :3, :4)",
                     citizen, len(own) + 1, position, own[-1] if own else None)  # fmt: skip
                own.append(position)
            does("UPDATE sequencer_state SET size = :1, frontier = :2, signed_size = :1,"
                 " signed_frontier = :2, left_behind = 0",
                 len(order), frontier.packed())  # fmt: skip
            if drops_heads:
                does("DELETE FROM log_head")

    def writes(self, entry_id: int) -> None:
        """Another entry stands where this one stood, sealed as well as any."""
        ((citizen,),) = self.log.vandal.tells(
            "SELECT citizen_id FROM access_entry WHERE id = :1", entry_id
        )
        about = Who(UUID(str(citizen)))
        forged = seal_entry("sign_in:succeeded", about, subject={"n": "forged"})
        self.log.vandal.does(
            "UPDATE access_entry SET leaf = :1, c_subject = :2, c_actor = :3, sealed_subject = :4,"
            " sealed_actor = :5, type = :6, at = :7 WHERE id = :8",
            forged.leaf, forged.c_subject, forged.c_actor, forged.sealed_subject,
            forged.sealed_actor, forged.type, self._as_stored(forged.at), entry_id,
        )  # fmt: skip
        self.log.vandal.does(
            "UPDATE entry_key SET subject_wrapped = :1, actor_wrapped = :2 WHERE entry_id = :3",
            forged.subject_wrapped, forged.actor_wrapped, entry_id,
        )  # fmt: skip

    def rewrites(self, position: int, **how: bool) -> None:
        """The entry at a position is another, and all that rests on it is recomputed."""
        order = self.order()
        self.writes(order[position][1])
        self.lays(order, **how)

    def removes(self, *entry_ids: int) -> None:
        """The entries are gone, and so are their keys."""
        for entry_id in entry_ids:
            self.log.vandal.does("DELETE FROM access_entry WHERE id = :1", entry_id)
            self.log.vandal.does("DELETE FROM entry_key WHERE entry_id = :1", entry_id)

    def cuts(self, to: int) -> None:
        """The log ends here, wherever it left a trace in the database."""
        order = self.order()
        self.removes(*(entry for _, entry in order[to:]))
        self.lays(order[:to])

    def _leaves(self) -> dict[int, bytes]:
        return {
            entry: bytes(leaf)
            for entry, leaf in self.log.vandal.tells("SELECT id, leaf FROM access_entry")
        }

    def _as_stored(self, at: Any) -> Any:
        if self.log.settings.is_postgresql:
            return at
        return round(at.timestamp() * 1_000_000)

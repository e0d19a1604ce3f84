/* SPDX-License-Identifier: Apache-2.0
 *
 * ownership - the protocol of storage/archive/archive.h, for the model checker Spin.
 *
 * Nodes with a disk each start, crash, lose their disk and start again; each process is an owner
 * with a nonce of its own. A request once sent may be applied at any later time, any number of
 * times or never, so loss, delay, repetition and byte-identical retries need no rules of their
 * own; a response may be lost. A process that takes no step for a while is a frozen one, so
 * zombies need no rule either. README.md: which action is which function, and what is left out.
 *
 * A sequence of records is a number, three bits a record, the first lowest: equal numbers stand
 * for equal chain hashes. An object is a number too, so equal numbers stand for equal bytes.
 * Every action is one d_step; after each that could break a promise, sound() looks.
 */

#define NODES 3
#ifndef OWNERS
#define OWNERS 3 /* processes, by nonce from 1 */
#endif
#define SLOTS 6 /* from 1 */
#define RECORDS 4
#define EPOCHS 6

/* ---- sequences and objects ---- */

#define LEN(s) (((s) > 0) + ((s) > 7) + ((s) > 63) + ((s) > 511))
#define PREFIX(s, n) ((s) & ((1 << (3 * (n))) - 1))
#define BEGINS(s, start) (PREFIX(s, LEN(start)) == (start))
#define NTH(s, n) (((s) >> (3 * ((n)-1))) & 7) /* n from 1 */
#define BIT(s, n) ((1 << NTH(s, n)) & 30)
#define BITS(s) (BIT(s, 1) | BIT(s, 2) | BIT(s, 3) | BIT(s, 4))

#define FENCE 1
#define DATA 2
#define RETIRE 3
#define OBJECT(kind, owner, epoch, before, s) \
    ((kind) | (owner) << 2 | (epoch) << 5 | (before) << 8 | (s) << 11)
#define KIND(o) ((o) & 3)
#define BY(o) (((o) >> 2) & 7)
#define EPOCH(o) (((o) >> 5) & 7)
#define BEFORE(o) (((o) >> 8) & 7)
#define SEQ(o) ((o) >> 11)
/* A reader's question to the next segment: does its chain go on where mine stands? */
#define FITS(o, s, e) \
    (PREFIX(SEQ(o), BEFORE(o)) == (s) && (EPOCH(o) == (e) || (KIND(o) == FENCE && EPOCH(o) > (e))))

/* ---- mutants and bounds, from the environment (`run` sets them) ---- */

c_decl {
    enum mutant {
        SOUND_MODEL, TWO_IN_FLIGHT, BYTES_NOT_FROZEN, EXISTS_IS_MINE, FENCES_COLLECTED,
        FLOOR_READ_ONCE,
        CONDITION_IGNORED, AHEAD_WITHOUT_FENCE, TAIL_DROPPED, TAIL_MERGED, BEHIND_NOT_APPLIED,
        LOCAL_IS_REMOTE, SNAPSHOT_OF_UNSHIPPED, COLLECTED_TO_NEWEST, RETIRED_REOPENED,
        LOSER_GOES_ON
    };
    static int mutant, owners_max, records_max, snapshots_max, slots_max, losses_max;
    static int retires, jumps, late;
    static const char *broken_promise = "none";
    static int judgement;

    /* What happened in the search, by the place that says so. */
    enum { PLACES = 400 };
    static const char *event_name[PLACES];
    static unsigned long event_count[PLACES];

    static int setting(const char *name) {
        const char *value = getenv(name);
        return value == NULL ? 0 : atoi(value);
    }
    static void tell(void) {
        for (int i = 0; i < PLACES; i++)
            if (event_name[i] != NULL)
                printf("event: %s: %lu\n", event_name[i], event_count[i]);
        printf("broken promise: %s\n", broken_promise);
    }
}
#define BROKEN(which) c_expr { mutant == which }
#define SOUND c_code { judgement = sound(); forget(); }; assert(c_expr { judgement })
#define ACKNOWLEDGE(n, s, slot) \
    c_code { judgement = acknowledge(n, s, slot); forget(); }; assert(c_expr { judgement })
#define EVENT(what) COUNT(__COUNTER__, what)
#define COUNT(i, what) c_code { event_name[i] = what; event_count[i]++; }

/* ---- the store and the wire ---- */

int store[SLOTS + 1];
#define NET(owner, slot) (((owner)-1) * SLOTS + (slot)-1)
int net[OWNERS * SLOTS];  /* what an owner ever sent for a slot */
byte waits[OWNERS + 1];   /* the slot whose answer an owner waits for, 0: none */
byte answer[OWNERS + 1];  /* to that, not read yet */
#define CREATED 1
#define EXISTS 2
/* The two newest snapshots: slot, epoch and records that each stands for. */
byte top_at, top_ep, old_at, old_ep;
short top_seq, old_seq;
/* One whose index may come at any later time, or never. 0: there is none. */
byte late_at, late_ep;
short late_seq;
/* The one whose index is being created; 0 outside of that step. */
byte snap_at, snap_ep;
short snap_seq;
byte snapshots;
short was_data; /* slots that a collector may have seen as DATA */

/* ---- nodes ---- */

#define OFF 0
#define READING 1  /* reads the chain upwards */
#define FENCING 2 /* waits for the answer to its FENCE */
#define ASIDE 3  /* its tail lies under orphan/, the disk is still to be replaced */
#define OWNER 4
#define FENCED 5 /* knows it */
byte pc[NODES], me[NODES];
byte at[NODES], ep[NODES]; /* newest slot that it knows to be in the chain, epoch */
short seq[NODES];          /* records of the chain up to there */
short disk[NODES];         /* its local journal; 0: none */
byte claim;                /* scratch: 0 between steps */

/* ---- for judging only ---- */

byte starts, records, losses;
byte aside;                /* records under orphan/ or on lost disks, as bits */
short birth[RECORDS + 1];  /* what stood before a record where it was written */
short acked[EPOCHS + 1];   /* what was acknowledged as REMOTE, by epoch */
short acked_slots;

c_code {
    static int broken(const char *promise) {
        broken_promise = promise;
        return 0;
    }
    /* Follows the chain from a snapshot, as sw_archive_restore does. */
    static int follow(int slot, int epoch, int s, int *fits) {
        for (int kind = 0; slot < SLOTS && now.store[slot + 1] != 0; slot++) {
            int o = now.store[slot + 1];
            *fits = *fits && FITS(o, s, epoch) && kind != RETIRE &&
                    (KIND(o) != FENCE || EPOCH(o) > epoch);
            kind = KIND(o);
            epoch = EPOCH(o);
            s = SEQ(o);
        }
        return s;
    }
    static int one_lineage(int s) {
        for (int i = 1; i <= LEN(s); i++)
            if (now.birth[NTH(s, i)] != PREFIX(s, i - 1))
                return 0;
        return 1;
    }
    static int owner_knows(int n) {
        if (now.pc[n] != OWNER)
            return 1;
        for (int e = 0; e < now.ep[n]; e++)
            if (!BEGINS(now.disk[n], now.acked[e]))
                return 0;
        return 1;
    }
    /* Forgets requests that can never create again: fewer states, the same behaviour. */
    static void forget(void) {
        if (mutant == FENCES_COLLECTED || mutant == CONDITION_IGNORED ||
            mutant == COLLECTED_TO_NEWEST)
            return;
        for (int slot = 1; slot <= SLOTS; slot++) {
            if (now.store[slot] == 0 || (now.was_data >> slot & 1) != 0 ||
                (KIND(now.store[slot]) == DATA &&
                 (slot <= now.old_at || now.snapshots < snapshots_max)))
                continue;
            for (int o = 1; o <= OWNERS; o++)
                if (now.waits[o] != slot)
                    now.net[NET(o, slot)] = 0;
        }
    }
    static int sound(void) {
        int fits = 1;
        int chain = follow(now.top_at, now.top_ep, now.top_seq, &fits);
        int found = BITS(chain) | now.aside;
        if (!fits)
            return broken("the chain above the newest snapshot is whole, its epochs rise");
        for (int e = 0; e <= EPOCHS; e++)
            if (!BEGINS(chain, now.acked[e]))
                return broken("R1: an acknowledged REMOTE record can be restored");
        if (follow(now.old_at, now.old_ep, now.old_seq, &fits) != chain || !fits)
            return broken("the older snapshot restores the same");
        for (int n = 0; n < NODES; n++) {
            found |= BITS(now.disk[n]);
            if (!owner_knows(n))
                return broken("R2: an owner knows what earlier owners acknowledged");
            if (!one_lineage(now.disk[n]))
                return broken("L3: lineages are never merged on a disk");
        }
        if (!one_lineage(chain))
            return broken("L3: lineages are never merged in the chain");
        if (found != (2 << now.records) - 2)
            return broken("L1, L3: a record is on a disk, in the chain, under orphan/, "
                          "or its disk was lost");
        return 1;
    }
    /* Node n acknowledges what its newest request holds. */
    static int acknowledge(int n, int s, int slot) {
        int e = now.ep[n];
        if (slot > 0 && (now.acked_slots >> slot & 1) != 0)
            return broken("one acknowledgement a slot");
        if (slot > 0)
            now.acked_slots |= (short)(1 << slot);
        if (!BEGINS(now.acked[e], s) && !BEGINS(s, now.acked[e]))
            return broken("R3: an epoch acknowledges one history");
        if (LEN(s) > LEN(now.acked[e]))
            now.acked[e] = (short)s;
        return sound();
    }
}

/* ---- what a node does ---- */

#define SLOT (at[n] + 1)
#define SENT net[NET(me[n], SLOT)]
#define FOUND store[SLOT]

/* Nodes without process and disk are all alike: the first of them starts. */
#define EMPTY(n) (pc[n] == OFF && disk[n] == 0)
#define FIRST_EMPTY(n) (EMPTY(n) && (n < 1 || !EMPTY(0)) && (n < 2 || !EMPTY(1)))

inline rest(n) { /* no process; what it sent may still arrive */
    pc[n] = OFF; at[n] = 0; ep[n] = 0; seq[n] = 0;
    waits[me[n]] = 0; answer[me[n]] = 0; me[n] = 0;
    SOUND
}
inline read_floor(n) {
    pc[n] = READING; at[n] = top_at; ep[n] = top_ep; seq[n] = top_seq;
    apply(n)
}
inline send(n, bytes) { SENT = bytes; waits[me[n]] = SLOT; answer[me[n]] = 0 }
inline step_up(n) { ep[n] = EPOCH(FOUND); seq[n] = SEQ(FOUND); at[n] = SLOT; apply(n) }
/* A local journal that is behind takes what the chain has, while it is read. */
inline apply(n) {
    if
    :: disk[n] != 0 && disk[n] != seq[n] && BEGINS(seq[n], disk[n]) &&
       !BROKEN(BEHIND_NOT_APPLIED) ->
        EVENT("local behind"); disk[n] = seq[n]
    :: else
    fi
}
inline fence(n, epoch) {
    printf("node %d: sends fence %d to slot %d\n", n, epoch, SLOT);
    send(n, OBJECT(FENCE, me[n], epoch, LEN(seq[n]), seq[n]));
    pc[n] = FENCING
}

/* The fence stands: read the floor again, bring the disk to the chain. */
inline own(n) {
    waits[me[n]] = 0; answer[me[n]] = 0;
    if
    :: SLOT <= top_at && !BROKEN(FLOOR_READ_ONCE) ->
        EVENT("void fence"); printf("node %d: the fence in %d is void\n", n, SLOT);
        read_floor(n)
    :: else ->
        ep[n] = EPOCH(SENT); at[n] = SLOT; pc[n] = OWNER;
        printf("node %d: owner of epoch %d by slot %d, chain %o, disk %o\n",
               n, ep[n], at[n], seq[n], disk[n]);
        reconcile(n)
    fi;
    SOUND
}
inline reconcile(n) {
    if
    :: disk[n] == seq[n] -> EVENT("local same")
    :: disk[n] == 0 && seq[n] != 0 -> EVENT("local absent"); disk[n] = seq[n]
    :: BROKEN(BEHIND_NOT_APPLIED) && disk[n] != seq[n] && BEGINS(seq[n], disk[n])
    :: disk[n] != seq[n] && BEGINS(disk[n], seq[n]) -> EVENT("local ahead")
    :: else ->
        EVENT("local diverged");
        printf("node %d: diverged\n", n);
        if
        :: BROKEN(TAIL_DROPPED)
        :: BROKEN(TAIL_MERGED) ->
            disk[n] = seq[n] | NTH(disk[n], LEN(disk[n])) << (3 * LEN(seq[n]))
        :: else -> aside = aside | (BITS(disk[n]) & ~BITS(seq[n])); pc[n] = ASIDE
        fi;
        if
        :: BROKEN(TAIL_DROPPED) -> disk[n] = seq[n]
        :: else
        fi
    fi
}
inline acked_now(n) {
    printf("node %d: slot %d is its own, acknowledged %o\n", n, SLOT, SEQ(SENT));
    waits[me[n]] = 0; answer[me[n]] = 0;
    seq[n] = SEQ(SENT); at[n] = SLOT;
    ACKNOWLEDGE(PNode->n, now.seq[PNode->n], now.at[PNode->n])
}

/* Below the older snapshot it is stale: nobody reads it. */
inline create_index() {
    printf("store: snapshot of slot %d\n", snap_at);
    if
    :: snap_at > top_at ->
        EVENT("snapshot"); old_at = top_at; old_ep = top_ep; old_seq = top_seq;
        top_at = snap_at; top_ep = snap_ep; top_seq = snap_seq
    :: snap_at < top_at && snap_at > old_at ->
        EVENT("snapshot below the newest");
        old_at = snap_at; old_ep = snap_ep; old_seq = snap_seq
    :: else -> EVENT("stale snapshot")
    fi;
    snap_at = 0; snap_ep = 0; snap_seq = 0;
    SOUND
}

#define SNAPSHOT_SEQ (BROKEN(SNAPSHOT_OF_UNSHIPPED) -> disk[n] : seq[n])

proctype Node(byte n) {
    do
    :: d_step { starts < c_expr { owners_max } && (!EMPTY(n) || FIRST_EMPTY(n)) ->
        if
        :: pc[n] != OFF -> EVENT("crash and restart")
        :: pc[n] == OFF && disk[n] != 0 -> EVENT("restart")
        :: else -> EVENT("start on a fresh disk")
        fi;
        rest(n);
        starts++; me[n] = starts; read_floor(n);
        printf("node %d: starts as owner %d\n", n, starts) }

    /* the chain, slot by slot */
    :: d_step { pc[n] == READING && at[n] < c_expr { slots_max } && FOUND == 0 && ep[n] < EPOCHS ->
        if
        :: BROKEN(AHEAD_WITHOUT_FENCE) && ep[n] > 0 && disk[n] != seq[n] &&
           BEGINS(disk[n], seq[n]) ->
            printf("node %d: goes on without a fence\n", n);
            pc[n] = OWNER
        :: else ->
            EVENT("fence sent"); fence(n, ep[n] + 1)
        fi }
    :: d_step { c_expr { jumps } && pc[n] == READING && at[n] < c_expr { slots_max } &&
                FOUND == 0 && ep[n] < EPOCHS - 1 ->
        EVENT("fence sent with a higher epoch"); fence(n, ep[n] + 2) }
    :: d_step { pc[n] == READING && at[n] < SLOTS && FOUND != 0 ->
        if
        :: KIND(FOUND) == RETIRE && !BROKEN(RETIRED_REOPENED) ->
            EVENT("retired, not opened"); printf("node %d: retired\n", n);
            rest(n)
        :: else
        fi;
        if
        :: pc[n] == OFF
        :: pc[n] != OFF && FITS(FOUND, seq[n], ep[n]) ->
            printf("node %d: reads slot %d\n", n, SLOT);
            step_up(n)
        :: else -> EVENT("reads a slot filled anew"); read_floor(n)
        fi }

    /* the answer to the fence */
    :: d_step { pc[n] == FENCING && answer[me[n]] == CREATED -> EVENT("fence created"); own(n) }
    :: d_step { pc[n] == FENCING && answer[me[n]] == EXISTS &&
                (FOUND == SENT || BROKEN(EXISTS_IS_MINE)) ->
        EVENT("fence exists and is mine"); own(n) }
    :: d_step { pc[n] == FENCING && answer[me[n]] == EXISTS && FOUND != SENT &&
                !BROKEN(EXISTS_IS_MINE) ->
        claim = EPOCH(SENT); waits[me[n]] = 0; answer[me[n]] = 0;
        if
        :: FOUND == 0 -> EVENT("fence exists, then is gone"); read_floor(n)
        :: FOUND != 0 && (EPOCH(FOUND) < claim ||
                          (BROKEN(LOSER_GOES_ON) && EPOCH(FOUND) == claim)) ->
            if
            :: !FITS(FOUND, seq[n], ep[n]) -> EVENT("fence behind what does not fit"); read_floor(n)
            :: FITS(FOUND, seq[n], ep[n]) && KIND(FOUND) == RETIRE && !BROKEN(RETIRED_REOPENED) ->
                EVENT("fence behind a retirement"); rest(n)
            :: else ->
                EVENT("fence behind an older owner's segment");
                step_up(n);
                if
                :: at[n] < c_expr { slots_max } -> fence(n, claim)
                :: else -> rest(n)
                fi
            fi
        :: else ->
            EVENT("claim lost"); printf("node %d: lost slot %d\n", n, SLOT);
            rest(n)
        fi;
        claim = 0 }
    :: d_step { pc[n] == ASIDE -> EVENT("replaced behind orphan/");
        disk[n] = seq[n]; pc[n] = OWNER; SOUND }

    /* the owner's work */
    :: d_step { pc[n] == OWNER && records < c_expr { records_max } ->
        EVENT("record written"); records++; birth[records] = disk[n];
        disk[n] = disk[n] | records << (3 * LEN(disk[n]));
        printf("node %d: LOCAL record %d, disk %o\n", n, records, disk[n]);
        if
        :: BROKEN(LOCAL_IS_REMOTE) -> ACKNOWLEDGE(PNode->n, now.disk[PNode->n], 0)
        :: else
        fi }
    :: d_step { pc[n] == OWNER && waits[me[n]] == 0 && LEN(disk[n]) > LEN(seq[n]) &&
                at[n] < c_expr { slots_max } ->
        EVENT("all sent"); printf("node %d: sends %o to slot %d\n", n, disk[n], SLOT);
        send(n, OBJECT(DATA, me[n], ep[n], LEN(seq[n]), disk[n])) }
    :: d_step { pc[n] == OWNER && waits[me[n]] == 0 && LEN(disk[n]) > LEN(seq[n]) + 1 &&
                at[n] < c_expr { slots_max } ->
        EVENT("one of several sent"); printf("node %d: sends one record to slot %d\n", n, SLOT);
        send(n, OBJECT(DATA, me[n], ep[n], LEN(seq[n]), PREFIX(disk[n], LEN(seq[n]) + 1))) }
    :: d_step { pc[n] == OWNER && waits[me[n]] == 0 && disk[n] == seq[n] &&
                at[n] < c_expr { slots_max } && c_expr { retires } ->
        EVENT("retirement sent"); printf("node %d: retires in slot %d\n", n, SLOT);
        send(n, OBJECT(RETIRE, me[n], ep[n], LEN(seq[n]), seq[n])) }
    :: d_step { BROKEN(BYTES_NOT_FROZEN) && pc[n] == OWNER && waits[me[n]] != 0 &&
                KIND(SENT) == DATA && SEQ(SENT) != disk[n] ->
        printf("node %d: no answer; tries slot %d again with %o\n", n, SLOT, disk[n]);
        answer[me[n]] = 0; SENT = OBJECT(DATA, me[n], ep[n], LEN(seq[n]), disk[n]) }
    :: d_step { BROKEN(TWO_IN_FLIGHT) && pc[n] == OWNER && waits[me[n]] != 0 &&
                answer[me[n]] == 0 && KIND(SENT) == DATA ->
        printf("node %d: does not wait for slot %d\n", n, SLOT);
        waits[me[n]] = 0; seq[n] = SEQ(SENT); at[n] = SLOT }
    :: d_step { pc[n] == OWNER && answer[me[n]] == CREATED && KIND(SENT) == DATA ->
        EVENT("segment created"); acked_now(n) }
    :: d_step { pc[n] == OWNER && answer[me[n]] == EXISTS && KIND(SENT) == DATA &&
                (FOUND == SENT || BROKEN(EXISTS_IS_MINE) ||
                 (BROKEN(BYTES_NOT_FROZEN) && KIND(FOUND) == DATA && BY(FOUND) == me[n])) ->
        EVENT("segment exists and is mine"); acked_now(n) }
    :: d_step { pc[n] == OWNER && answer[me[n]] != 0 && KIND(SENT) == RETIRE &&
                (answer[me[n]] == CREATED || FOUND == SENT) ->
        EVENT("retired"); printf("node %d: retired\n", n); rest(n) }
    :: d_step { pc[n] == OWNER && answer[me[n]] == EXISTS && FOUND != SENT &&
                !(BROKEN(EXISTS_IS_MINE) && KIND(SENT) == DATA) ->
        if
        :: FOUND == 0 -> EVENT("segment exists, then is gone")
        :: else -> EVENT("fenced")
        fi;
        printf("node %d: fenced in slot %d\n", n, SLOT);
        waits[me[n]] = 0; answer[me[n]] = 0; pc[n] = FENCED; SOUND }
    :: d_step { pc[n] == FENCED ->
        if
        :: disk[n] == seq[n] -> EVENT("nothing to put aside")
        :: else -> EVENT("put aside")
        fi;
        printf("node %d: puts its tail aside\n", n);
        aside = aside | (BITS(disk[n]) & ~BITS(seq[n])); rest(n) }

    /* a snapshot, by any owner, also one that does not know yet that it is none */
    :: d_step { (pc[n] == OWNER || pc[n] == FENCED) && snapshots < c_expr { snapshots_max } &&
                at[n] > old_at && at[n] != top_at ->
        snapshots++;
        printf("node %d: takes a snapshot of slot %d\n", n, at[n]);
        if
        :: c_expr { late } && late_at == 0 ->
            EVENT("snapshot taken, its index not there yet");
            late_at = at[n]; late_ep = ep[n]; late_seq = SNAPSHOT_SEQ
        :: else ->
            snap_at = at[n]; snap_ep = ep[n]; snap_seq = SNAPSHOT_SEQ;
            create_index()
        fi }

    :: d_step { disk[n] != 0 && losses < c_expr { losses_max } ->
        EVENT("node lost"); printf("node %d: lost with its disk\n", n);
        losses++; aside = aside | BITS(disk[n]); disk[n] = 0; rest(n) }
    od
}

/* ---- what the wire and the store do ---- */

/* A request arrives, perhaps not for the first time. */
#define ARRIVE(o, s) \
    :: d_step { net[NET(o, s)] != 0 && store[s] == 0 -> \
        printf("store: slot %d is created by owner %d\n", s, o); \
        store[s] = net[NET(o, s)]; \
        if \
        :: waits[o] == s && answer[o] == 0 -> EVENT("request creates"); answer[o] = CREATED \
        :: else -> EVENT("late request creates") \
        fi; \
        SOUND } \
    :: d_step { net[NET(o, s)] != 0 && store[s] != 0 && waits[o] == s && answer[o] == 0 -> \
        if \
        :: BROKEN(CONDITION_IGNORED) -> \
            printf("store: slot %d is overwritten by owner %d\n", s, o); \
            store[s] = net[NET(o, s)]; answer[o] = CREATED \
        :: else -> \
            EVENT("exists"); printf("store: slot %d exists, owner %d is told\n", s, o); \
            answer[o] = EXISTS \
        fi; \
        SOUND } \
    :: d_step { waits[o] == s && answer[o] == CREATED && store[s] != 0 -> \
        EVENT("response lost"); \
        printf("store: the response for slot %d is lost, the retry finds it exists\n", s); \
        answer[o] = EXISTS }

/* Deletes what a snapshot made needless. A DELETE that was sent for DATA may arrive late too. */
#define COLLECT(s) \
    :: d_step { store[s] != 0 && \
            s <= (BROKEN(COLLECTED_TO_NEWEST) -> top_at : old_at) && \
            (KIND(store[s]) == DATA || (was_data >> s & 1) || BROKEN(FENCES_COLLECTED)) -> \
        EVENT("collected"); printf("store: slot %d is collected\n", s); \
        store[s] = 0; was_data = was_data | 1 << s; SOUND }

#define ARRIVES(o) \
    ARRIVE(o, 1) ARRIVE(o, 2) ARRIVE(o, 3) ARRIVE(o, 4) ARRIVE(o, 5) ARRIVE(o, 6)

init {
    atomic {
        c_code {
            mutant = setting("MUTANT");
            owners_max = setting("OWNERS");
            records_max = setting("RECORDS");
            snapshots_max = setting("SNAPSHOTS");
            slots_max = setting("SLOTS");
            losses_max = setting("LOSSES");
            retires = setting("RETIRES");
            jumps = setting("JUMPS");
            late = setting("LATE");
            atexit(tell);
        };
        run Node(0); run Node(1); run Node(2)
    }
    do
    ARRIVES(1) ARRIVES(2) ARRIVES(3)
#if OWNERS > 3
    ARRIVES(4)
#endif
    :: d_step { late_at != 0 ->
        snap_at = late_at; snap_ep = late_ep; snap_seq = late_seq;
        late_at = 0; late_ep = 0; late_seq = 0;
        create_index() }
    COLLECT(1) COLLECT(2) COLLECT(3) COLLECT(4) COLLECT(5)
    od
}

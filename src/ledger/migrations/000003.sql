-- 000003: what people ask of the ledger, as views (docs/ledger.md), and the indexes that answer them without reading
-- more of the record than the answer needs.

set local role evo_owner;

-- ----------------------------------------------------------------------------------------------------------- Indexes

-- A range of time, oldest first, whatever share of the record it is. (A block range index must be sorted afterwards.)
drop index evo.entries_time;
create index entries_time on evo.entries (time, number);
-- An actor with or without the host, and a database role.
create index entries_claimed on evo.entries (split_part(claimed, '@', 1), number);
create index entries_authenticated on evo.entries (authenticated, number);
-- The newest attempt of a step, the newest opening of a group.
create index entries_step on evo.entries (step, number) where type in ('operation.intended', 'boundary.opened');
create index entries_departures on evo.entries (stack, number) where starts_with(type, 'departure.');
create index entries_departed on evo.entries (sequence, number) where starts_with(type, 'departure.');
create index entries_owner on evo.entries ((body #>> '{plan,sequence,owner}'), number) where type = 'run.started';
-- From a cause to what followed. Written at once: a list of pending rows would be read whole by every question.
create index entries_causes on evo.entries using gin (cause_numbers) with (fastupdate = off);

-- ----------------------------------------------------------------------------------------------------------- Entries

-- As before, but the ledger's id is looked up once and no join: a planner that guesses how many heads there are guesses
-- everything that is joined to entries wrong.
create or replace view evo.readable_entries as
  select (select head.ledger from evo.head as head) as ledger, entry.number, evo.iso(entry.time) as "time", entry.type,
    entry.version, entry.sequence, entry.run, entry.step, entry.operation, entry.stack, entry.rehearsal, entry.claimed,
    entry.authenticated, entry.cause_numbers, entry.cause_hashes, entry.text, entry.body, entry.previous, entry.hash,
    entry.time as moment
  from evo.entries as entry;

-- --------------------------------------------------------------------------------------------------------- Causality

-- An entry and one of its causes; place counts from 1, in the order given.
create view evo.readable_causes as
  select entry.number, entry.type, entry.run, cause.number as cause, cause.hash as cause_hash, cause.place
  from evo.entries as entry
    cross join unnest(entry.cause_numbers, entry.cause_hashes) with ordinality as cause (number, hash, place);

-- An entry and what led to it, the nearest first to be found, at most so many. Each entry comes once.
create function evo.causes_of(p_number bigint, p_most integer) returns setof evo.readable_entries
language sql stable as $$
  with recursive cone (number) as (
    select p_number
    union
    select edge.cause from cone join evo.readable_causes as edge on edge.number = cone.number
  ), nearest as (select cone.number from cone limit p_most)
  select entry.* from nearest join evo.readable_entries as entry on entry.number = nearest.number order by entry.number
$$;

-- An entry and what followed from it, likewise.
create function evo.effects_of(p_number bigint, p_most integer) returns setof evo.readable_entries
language sql stable as $$
  with recursive cone (number) as (
    select p_number
    union
    select effect.number
    from cone join evo.readable_entries as effect on effect.cause_numbers @> array[cone.number]
  ), nearest as (select cone.number from cone limit p_most)
  select entry.* from nearest join evo.readable_entries as entry on entry.number = nearest.number order by entry.number
$$;

-- ------------------------------------------------------------------------------------------------------------- Audit

-- The entries that an audit of the run `audited` needs, and as what:
--   own        of the run, but for its looks
--   evidence   the looks that a pass of one of its gates names
--   origin     what its start names: the declaration, or what it answers
--   answer     of other runs that name one of its `run.*` entries
--   departure  on a stack that it operated or that its sequence plans, recorded outside of it and before its end
-- A gate may look for a week: looks that no verdict rests on are left out.
create view evo.readable_audit as
  select own.run as audited, 'own'::text as part, own.*
    from evo.readable_entries as own
    where own.run is not null and own.type <> 'gate.measured'
  union all
  select passed.run, 'evidence', look.*
    from evo.entries as passed
      cross join lateral unnest(passed.cause_numbers) as cause (number)
      join evo.readable_entries as look on look.number = cause.number
    where passed.type = 'gate.passed' and look.type = 'gate.measured'
  union all
  select started.run, 'origin', origin.*
    from evo.entries as started
      cross join lateral unnest(started.cause_numbers) as cause (number)
      join evo.readable_entries as origin on origin.number = cause.number
    where started.type = 'run.started'
  union all
  select own.run, 'answer', answer.*
    from evo.entries as own
      join evo.readable_entries as answer on answer.cause_numbers @> array[own.number]
    where own.run is not null and starts_with(own.type, 'run.') and answer.run <> own.run
  union all
  select run.run, 'departure', departure.*
    from evo.runs as run
      cross join lateral (
        select intent.stack from evo.entries as intent
        where intent.run = run.run and intent.type = 'operation.intended'
        union
        select departed.stack from evo.entries as departed
        where departed.sequence = run.sequence and starts_with(departed.type, 'departure.')
          and departed.number <= run.last
      ) as used
      join evo.readable_entries as departure on departure.stack = used.stack
    where starts_with(departure.type, 'departure.') and departure.number <= run.last
      and departure.run is distinct from run.run;

-- --------------------------------------------------------------------------------------------- Evolution and history

-- A run as one step of the system's evolution. `standing` is the verb of its newest `run.*` entry that changed it.
create view evo.readable_evolution as
  select run.run, run.sequence, opening.body #>> '{plan,sequence,owner}' as owner, run.rehearsal, run.first, run.last,
    evo.iso(opening.time) as started, opening.time as moment, opening.claimed, opening.authenticated,
    case split_part(newest.type, '.', 2) when 'started' then 'running' when 'resumed' then 'running'
      else split_part(newest.type, '.', 2) end as standing,
    evo.iso(newest.time) as standing_since, counted.stacks, counted.succeeded, counted.failed, counted.overridden,
    counted.departures, counted.halts
  from evo.runs as run
    join evo.entries as opening on opening.number = run.first
    cross join lateral (
      select entry.type, entry.time from evo.entries as entry
      where entry.run = run.run and starts_with(entry.type, 'run.') and entry.type not in ('run.adopted', 'run.held')
      order by entry.number desc limit 1
    ) as newest
    cross join lateral (
      select
        coalesce(array_agg(distinct entry.stack) filter (where entry.stack is not null), '{}') as stacks,
        count(*) filter (where entry.type = 'operation.succeeded') as succeeded,
        count(*) filter (where entry.type = 'operation.failed') as failed,
        count(*) filter (where entry.type like '%.overridden'
          or entry.type = 'run.resumed' and entry.body -> 'acceptChangedCode' = 'true') as overridden,
        count(*) filter (where entry.type = 'departure.detected') as departures,
        count(*) filter (where entry.type = 'run.halted') as halts
      from evo.entries as entry where entry.run = run.run
    ) as counted;

-- What happened to a stack. `governed`: evo did it. `converged` is the entry by which the boundary opened that rests on
-- this outcome; `started_by` who began the run. The body is given for what evo did not do: it says itself what it is.
create view evo.readable_history as
  select entry.stack, entry.number, entry.time, entry.moment, entry.type, entry.sequence, entry.run, entry.step,
    entry.operation, entry.rehearsal, entry.claimed, entry.authenticated, entry.cause_numbers,
    starts_with(entry.type, 'operation.') as governed,
    entry.body #> '{changes,counts}' as counts,
    coalesce(entry.body ->> 'as', entry.body ->> 'how') as how,
    entry.body ->> 'reason' as reason,
    case when not starts_with(entry.type, 'operation.') then entry.body end as body,
    opening.claimed as started_by, opening.authenticated as started_as,
    opened.number as converged, evo.iso(opened.time) as converged_time
  from evo.readable_entries as entry
    left join evo.runs as run on run.run = entry.run
    left join evo.entries as opening on opening.number = run.first
    left join lateral (
      select boundary.number, boundary.time from evo.entries as boundary
      where boundary.run = entry.run and boundary.type = 'boundary.opened'
        and boundary.cause_numbers @> array[entry.number]
      order by boundary.number limit 1
    ) as opened on true
  where entry.stack is not null and entry.type not in ('operation.intended', 'operation.previewed');

-- Every stack that the ledger knows, with the newest entry about it: one probe of the index a stack.
create view evo.readable_stacks as
  with recursive known (stack) as (
    (select min(entry.stack) from evo.entries as entry)
    union all
    select (select min(entry.stack) from evo.entries as entry where entry.stack > known.stack)
    from known where known.stack is not null
  )
  select known.stack, newest.number, evo.iso(newest.time) as "time", newest.type, newest.rehearsal
  from known
    cross join lateral (
      select entry.number, entry.time, entry.type, entry.rehearsal from evo.entries as entry
      where entry.stack = known.stack order by entry.number desc limit 1
    ) as newest;

-- Every type of entry that the ledger holds, with its newest.
create view evo.readable_types as
  with recursive known (type) as (
    (select min(entry.type) from evo.entries as entry)
    union all
    select (select min(entry.type) from evo.entries as entry where entry.type > known.type)
    from known where known.type is not null
  )
  select known.type, (select max(entry.number) from evo.entries as entry where entry.type = known.type) as number
  from known where known.type is not null;

grant select on evo.readable_causes, evo.readable_audit, evo.readable_evolution, evo.readable_history,
  evo.readable_stacks, evo.readable_types to evo_writer, evo_reader;
revoke all on function evo.causes_of(bigint, integer), evo.effects_of(bigint, integer) from public;
grant execute on function evo.causes_of(bigint, integer), evo.effects_of(bigint, integer) to evo_writer, evo_reader;

reset role;

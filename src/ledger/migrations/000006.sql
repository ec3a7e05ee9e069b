-- 000006: an append in fewer statements, and one that is made only if nothing has been recorded about a stack meanwhile.
--
-- Errors besides those of 000001 and 000004: EV009 something has been.

set local role evo_owner;

drop function evo.append(text, text, jsonb, jsonb, text, bigint);
drop function evo.insert_entry(evo.head, bigint, text, jsonb);

-- The one way into the record; a call is a transaction's worth. In this order: lock the head; a known append id returns
-- what it made the first time; stale tokens, then whatever else was expected and isn't so, refuse everything; else all
-- entries are added. Number, time and hash are made here.
--
-- p_run, p_version: how many entries the run has so far. p_stack, p_after, p_types: about the stack no entry of these types
-- is newer than that number.
--
-- What a single append costs is its statements and, once a transaction, its expressions, more than the hash. So the rows
-- come out of the inserts (a query for a range of numbers would be planned anew at each call), the fields of an entry out
-- of one query, and evo.sha256_hex is written out, as Postgres can't inline it.
create function evo.append(
  p_id text, p_claimed text, p_entries jsonb, p_leases jsonb, p_run text, p_version bigint, p_stack text, p_after bigint,
  p_types text[]
) returns setof evo.readable_entries
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_ledger text;
  v_number bigint;
  v_hash text;
  v_previous text;
  v_first bigint;
  v_digest text := encode(sha256(convert_to(p_entries::text, 'UTF8')), 'hex');
  v_known evo.appends;
  v_found bigint;
  v_item record;
  v_time timestamptz;
  v_iso text;
  v_cause record;
  v_causes text;
  v_cause_numbers bigint[];
  v_cause_hashes text[];
  v_row evo.readable_entries;
begin
  select head.ledger, head.number, head.hash, head.number + 1 into strict v_ledger, v_number, v_previous, v_first
    from evo.head as head for update;
  insert into evo.appends (id, digest, first, last)
    values (p_id, v_digest, v_first, v_number + jsonb_array_length(p_entries)) on conflict (id) do nothing;
  if not found then
    select * into strict v_known from evo.appends where id = p_id;
    if v_known.digest <> v_digest then
      raise exception 'append % was made before, with other entries', p_id using errcode = 'EV001';
    end if;
    return query select * from evo.readable_entries as entry
      where entry.number between v_known.first and v_known.last order by entry.number;
    return;
  end if;
  if p_leases <> '[]' then
    perform evo.check_leases(p_leases);
  end if;
  if p_run is not null then
    v_found := coalesce((select known.version from evo.runs as known where known.run = p_run), 0);
    if v_found is distinct from p_version then
      raise exception 'run % has % entries in the ledger, not %', p_run, v_found, p_version using errcode = 'EV001';
    end if;
  end if;
  if p_stack is not null then
    v_found := (select max(entry.number) from evo.entries as entry
      where entry.stack = p_stack and entry.number > p_after and entry.type = any (p_types));
    if v_found is not null then
      raise exception 'entry % about stack % is newer than entry %', v_found, p_stack, p_after using errcode = 'EV009';
    end if;
  end if;
  for v_item in
    select item.type, item.version, item.sequence, item.run, item.step, item.operation, item.stack, item.text, item.causes,
      coalesce(item.rehearsal, false) as rehearsal, evo.role_for(item.type, item.text) as role,
      jsonb_array_length(item.causes) as many
    from jsonb_to_recordset(p_entries) as item (type text, version integer, sequence text, run text, step text,
      operation text, stack text, rehearsal boolean, text text, causes jsonb)
  loop
    if v_item.role is not null then
      perform evo.check_role(v_item.type, v_item.text);
    end if;
    v_number := v_number + 1;
    v_time := clock_timestamp();
    v_iso := evo.iso(v_time);
    v_causes := '';
    v_cause_numbers := '{}';
    v_cause_hashes := '{}';
    for v_place in 0 .. v_item.many - 1 loop
      v_cause := evo.resolve_cause(v_item.causes -> v_place, v_first, v_number);
      v_cause_numbers := v_cause_numbers || v_cause.number;
      v_cause_hashes := v_cause_hashes || v_cause.hash;
      v_causes := v_causes || evo.field(v_cause.number::text) || evo.field(v_cause.hash);
    end loop;
    v_hash := encode(sha256(convert_to(
      evo.encoding_1_of(v_ledger, v_number, v_iso, v_item.type, v_item.version, v_item.sequence, v_item.run, v_item.step,
        v_item.operation, v_item.stack, v_item.rehearsal, p_claimed, session_user::text, v_causes, v_item.text,
        v_previous), 'UTF8')), 'hex');
    insert into evo.entries as entry (number, time, type, version, sequence, run, step, operation, stack, rehearsal,
        claimed, authenticated, cause_numbers, cause_hashes, text, previous, hash)
      values (v_number, v_time, v_item.type, v_item.version, v_item.sequence, v_item.run, v_item.step, v_item.operation,
        v_item.stack, v_item.rehearsal, p_claimed, session_user, v_cause_numbers, v_cause_hashes, v_item.text,
        v_previous, v_hash)
      returning v_ledger, entry.number, v_iso, entry.type, entry.version, entry.sequence, entry.run, entry.step,
        entry.operation, entry.stack, entry.rehearsal, entry.claimed, entry.authenticated, entry.cause_numbers,
        entry.cause_hashes, entry.text, entry.body, entry.previous, entry.hash, entry.time
      into v_row;
    if v_item.run is not null then
      insert into evo.runs as known (run, sequence, rehearsal, version, first, last)
        values (v_item.run, v_item.sequence, v_item.rehearsal, 1, v_number, v_number)
        on conflict (run) do update set version = known.version + 1, last = excluded.last;
    end if;
    v_previous := v_hash;
    return next v_row;
  end loop;
  update evo.head set number = v_number, hash = v_previous;
end
$$;

revoke all on function evo.append(text, text, jsonb, jsonb, text, bigint, text, bigint, text[]) from public;
grant execute on function evo.append(text, text, jsonb, jsonb, text, bigint, text, bigint, text[]) to evo_writer;

-- As in 000003; drift that came back is a departure that the run found, too.
create or replace view evo.readable_evolution as
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
        count(*) filter (where entry.type in ('departure.detected', 'departure.reopened')) as departures,
        count(*) filter (where entry.type = 'run.halted') as halts
      from evo.entries as entry where entry.run = run.run
    ) as counted;

reset role;

-- 000004: who may say what, and moving a record.
--
-- A word that decides something in place of the record needs its role in the database, not only in a command line: settling
-- an operation evo_operator; acknowledgments, approvals and whatever overrides a refusal evo_approver. Both are writers.
--
-- Errors besides those of 000001: EV006 the role is missing, EV007 not empty, EV008 not the record that was exported.

do $$
declare
  wanted text;
begin
  foreach wanted in array array['evo_operator', 'evo_approver'] loop
    -- As in 000001: roles belong to the whole server.
    if not exists (select from pg_roles where rolname = wanted) then
      begin
        execute format('create role %I nologin', wanted);
      exception when duplicate_object or unique_violation then
        null;
      end;
    end if;
    begin
      execute format('grant evo_writer to %I', wanted);
    exception when insufficient_privilege then
      if not pg_has_role(wanted, 'evo_writer', 'member') then
        raise;
      end if;
    end;
  end loop;
end
$$;

set local role evo_owner;

-- The role that an entry needs besides evo_writer; null where it needs none.
create function evo.role_for(type text, body text) returns name
language sql immutable parallel safe as $$
  select case
    when type = 'operation.settled' then 'evo_operator'
    when type in ('ledger.replaced') or type like 'acknowledgment.%' or type like 'approval.%'
      or type like 'override.%' or type like '%.overridden' then 'evo_approver'
    -- Going on with other code than was recorded is an override (invariant 6).
    when type = 'run.resumed' and (body::jsonb ->> 'acceptChangedCode')::boolean then 'evo_approver'
  end::name
$$;

-- Refuses an entry that the role which logged in may not make. What it may do besides as a member counts too.
create function evo.check_role(p_type text, p_body text) returns void
language plpgsql stable as $$
declare
  v_role name := evo.role_for(p_type, p_body);
begin
  if v_role is not null and not pg_has_role(session_user, v_role, 'member') then
    raise exception 'an entry of type % needs the role %, which % is not a member of', p_type, v_role, session_user
      using errcode = 'EV006', detail = v_role::text;
  end if;
end
$$;

-- What follows does what it did in 000001, with fewer statements: each costs a single append as much as the hash does.

-- Version 1 of what is hashed, with the causes as the text that their fields make: an expression without a query, which
-- PL/pgSQL evaluates by itself.
create function evo.encoding_1_of(
  ledger text, number bigint, "time" text, type text, version integer, sequence text, run text, step text,
  operation text, stack text, rehearsal boolean, claimed text, authenticated text, causes text, body text, previous text
) returns text
language sql immutable parallel safe as $$
  select 'evo.entry/1' || chr(10)
    || evo.field(ledger) || evo.field(number::text) || evo.field("time") || evo.field(type)
    || evo.field(version::text) || evo.field(sequence) || evo.field(run) || evo.field(step)
    || evo.field(operation) || evo.field(stack)
    || evo.field(case when rehearsal then 'true' else 'false' end)
    || evo.field(claimed) || evo.field(authenticated) || evo.field(causes) || evo.field(body) || evo.field(previous)
$$;

create or replace function evo.encoding_1(
  ledger text, number bigint, "time" text, type text, version integer, sequence text, run text, step text,
  operation text, stack text, rehearsal boolean, claimed text, authenticated text, cause_numbers bigint[],
  cause_hashes text[], body text, previous text
) returns text
language sql immutable parallel safe as $$
  select evo.encoding_1_of(ledger, number, "time", type, version, sequence, run, step, operation, stack, rehearsal,
    claimed, authenticated,
    coalesce((
      select string_agg(evo.field(cause.number::text) || evo.field(cause.hash), '' order by cause.place)
      from unnest(cause_numbers, cause_hashes) with ordinality as cause (number, hash, place)), ''),
    body, previous)
$$;

create or replace function evo.insert_entry(p_head evo.head, p_first bigint, p_claimed text, p_item jsonb)
returns evo.head
language plpgsql as $$
declare
  v_number bigint := p_head.number + 1;
  v_time timestamptz := clock_timestamp();
  v_type text := p_item ->> 'type';
  v_version integer := (p_item ->> 'version')::integer;
  v_sequence text := p_item ->> 'sequence';
  v_run text := p_item ->> 'run';
  v_step text := p_item ->> 'step';
  v_operation text := p_item ->> 'operation';
  v_stack text := p_item ->> 'stack';
  v_rehearsal boolean := coalesce((p_item ->> 'rehearsal')::boolean, false);
  v_text text := p_item ->> 'text';
  v_hash text;
  v_cause record;
  v_causes text := '';
  v_cause_numbers bigint[] := '{}';
  v_cause_hashes text[] := '{}';
begin
  perform evo.check_role(v_type, v_text);
  for v_at in 0 .. jsonb_array_length(p_item -> 'causes') - 1 loop
    v_cause := evo.resolve_cause(p_item -> 'causes' -> v_at, p_first, v_number);
    v_cause_numbers := v_cause_numbers || v_cause.number;
    v_cause_hashes := v_cause_hashes || v_cause.hash;
    v_causes := v_causes || evo.field(v_cause.number::text) || evo.field(v_cause.hash);
  end loop;
  v_hash := evo.sha256_hex(evo.encoding_1_of(p_head.ledger, v_number, evo.iso(v_time), v_type, v_version, v_sequence,
    v_run, v_step, v_operation, v_stack, v_rehearsal, p_claimed, session_user::text, v_causes, v_text, p_head.hash));
  insert into evo.entries (number, time, type, version, sequence, run, step, operation, stack, rehearsal, claimed,
      authenticated, cause_numbers, cause_hashes, text, previous, hash)
    values (v_number, v_time, v_type, v_version, v_sequence, v_run, v_step, v_operation, v_stack, v_rehearsal, p_claimed,
      session_user, v_cause_numbers, v_cause_hashes, v_text, p_head.hash, v_hash);
  if v_run is not null then
    insert into evo.runs as known (run, sequence, rehearsal, version, first, last)
      values (v_run, v_sequence, v_rehearsal, 1, v_number, v_number)
      on conflict (run) do update set version = known.version + 1, last = excluded.last;
  end if;
  p_head.number := v_number;
  p_head.hash := v_hash;
  return p_head;
end
$$;

create or replace function evo.append(
  p_id text, p_claimed text, p_entries jsonb, p_leases jsonb, p_run text, p_version bigint
) returns setof evo.readable_entries
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_head evo.head;
  v_known evo.appends;
  v_digest text := evo.sha256_hex(p_entries::text);
  v_first bigint;
  v_version bigint;
begin
  select * into strict v_head from evo.head for update;
  select * into v_known from evo.appends where id = p_id;
  if found then
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
    v_version := coalesce((select known.version from evo.runs as known where known.run = p_run), 0);
    if v_version is distinct from p_version then
      raise exception 'run % has % entries in the ledger, not %', p_run, v_version, p_version using errcode = 'EV001';
    end if;
  end if;
  v_first := v_head.number + 1;
  for v_at in 0 .. jsonb_array_length(p_entries) - 1 loop
    v_head := evo.insert_entry(v_head, v_first, p_claimed, p_entries -> v_at);
  end loop;
  update evo.head set number = v_head.number, hash = v_head.hash;
  insert into evo.appends (id, digest, first, last) values (p_id, v_digest, v_first, v_head.number);
  return query select * from evo.readable_entries as entry
    where entry.number between v_first and v_head.number order by entry.number;
end
$$;

-- Views and readers compute with it.
grant execute on function evo.encoding_1_of(text, bigint, text, text, integer, text, text, text, text, text, boolean,
  text, text, text, text, text) to evo_writer, evo_reader;

-- ------------------------------------------------------------------------------------------------------------ Import

-- A record is moved by who owns the schema: nobody has a right to execute these. The ledger keeps its id.
create function evo.begin_import(p_ledger text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_head evo.head;
begin
  select * into strict v_head from evo.head for update;
  if v_head.number > 0 then
    raise exception 'it has % entries', v_head.number using errcode = 'EV007';
  end if;
  update evo.head set ledger = p_ledger;
end
$$;

-- Takes entries as they were recorded, in order, each only if its hash is that of its columns and it follows the one
-- before; causes must name earlier entries by their hashes.
create function evo.import_entries(p_rows jsonb) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_head evo.head;
  v_row record;
begin
  select * into strict v_head from evo.head for update;
  for v_row in
    select entry.* from jsonb_array_elements(p_rows) with ordinality as item (value, place),
      jsonb_to_record(item.value) as entry (number bigint, "time" timestamptz, type text, version integer, sequence text,
        run text, step text, operation text, stack text, rehearsal boolean, claimed text, authenticated text,
        cause_numbers bigint[], cause_hashes text[], text text, previous text, hash text)
    order by item.place
  loop
    if v_row.number <> v_head.number + 1 or v_row.previous <> v_head.hash
      or v_row.hash is distinct from evo.sha256_hex(evo.encoding_1(v_head.ledger, v_row.number, evo.iso(v_row.time),
        v_row.type, v_row.version, v_row.sequence, v_row.run, v_row.step, v_row.operation, v_row.stack, v_row.rehearsal,
        v_row.claimed, v_row.authenticated, v_row.cause_numbers, v_row.cause_hashes, v_row.text, v_row.previous))
      or exists (select from unnest(v_row.cause_numbers, v_row.cause_hashes) as cause (number, hash)
        left join evo.entries as named on named.number = cause.number where named.hash is distinct from cause.hash)
    then
      raise exception 'entry % is not what was recorded', v_head.number + 1 using errcode = 'EV008';
    end if;
    insert into evo.entries (number, time, type, version, sequence, run, step, operation, stack, rehearsal, claimed,
        authenticated, cause_numbers, cause_hashes, text, previous, hash)
      values (v_row.number, v_row.time, v_row.type, v_row.version, v_row.sequence, v_row.run, v_row.step,
        v_row.operation, v_row.stack, v_row.rehearsal, v_row.claimed, v_row.authenticated, v_row.cause_numbers,
        v_row.cause_hashes, v_row.text, v_row.previous, v_row.hash);
    if v_row.run is not null then
      insert into evo.runs as known (run, sequence, rehearsal, version, first, last)
        values (v_row.run, v_row.sequence, v_row.rehearsal, 1, v_row.number, v_row.number)
        on conflict (run) do update set version = known.version + 1, last = excluded.last;
    end if;
    v_head.number := v_row.number;
    v_head.hash := v_row.hash;
  end loop;
  update evo.head set number = v_head.number, hash = v_head.hash;
end
$$;

-- Takes raw looks; the digests in the record say whether they are the ones.
create function evo.import_samples(p_rows jsonb) returns void
language sql set search_path = pg_catalog, pg_temp as $$
  insert into evo.samples (run, gate, target, number, began, text)
    select sample.run, sample.gate, sample.target, sample.number, sample.began, sample.text
    from jsonb_to_recordset(p_rows)
      as sample (run text, gate text, target text, number bigint, began bigint, text text)
$$;

reset role;

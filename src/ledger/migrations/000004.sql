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

create or replace function evo.insert_entry(p_head evo.head, p_first bigint, p_claimed text, p_item jsonb)
returns evo.head
language plpgsql as $$
declare
  v_entry evo.entries;
  v_cause jsonb;
  v_resolved record;
begin
  v_entry.number := p_head.number + 1;
  v_entry.time := clock_timestamp();
  v_entry.type := p_item ->> 'type';
  v_entry.version := (p_item ->> 'version')::integer;
  v_entry.sequence := p_item ->> 'sequence';
  v_entry.run := p_item ->> 'run';
  v_entry.step := p_item ->> 'step';
  v_entry.operation := p_item ->> 'operation';
  v_entry.stack := p_item ->> 'stack';
  v_entry.rehearsal := coalesce((p_item ->> 'rehearsal')::boolean, false);
  v_entry.text := p_item ->> 'text';
  v_entry.cause_numbers := '{}';
  v_entry.cause_hashes := '{}';
  perform evo.check_role(v_entry.type, v_entry.text);
  for v_cause in select value from jsonb_array_elements(p_item -> 'causes') loop
    select * into v_resolved from evo.resolve_cause(v_cause, p_first, v_entry.number);
    v_entry.cause_numbers := v_entry.cause_numbers || v_resolved.number;
    v_entry.cause_hashes := v_entry.cause_hashes || v_resolved.hash;
  end loop;
  v_entry.hash := evo.sha256_hex(evo.encoding_1(
    p_head.ledger, v_entry.number, evo.iso(v_entry.time), v_entry.type, v_entry.version, v_entry.sequence, v_entry.run,
    v_entry.step, v_entry.operation, v_entry.stack, v_entry.rehearsal, p_claimed, session_user::text,
    v_entry.cause_numbers, v_entry.cause_hashes, v_entry.text, p_head.hash));
  insert into evo.entries (number, time, type, version, sequence, run, step, operation, stack, rehearsal, claimed,
      authenticated, cause_numbers, cause_hashes, text, previous, hash)
    values (v_entry.number, v_entry.time, v_entry.type, v_entry.version, v_entry.sequence, v_entry.run, v_entry.step,
      v_entry.operation, v_entry.stack, v_entry.rehearsal, p_claimed, session_user, v_entry.cause_numbers,
      v_entry.cause_hashes, v_entry.text, p_head.hash, v_entry.hash);
  if v_entry.run is not null then
    insert into evo.runs as known (run, sequence, rehearsal, version, first, last)
      values (v_entry.run, v_entry.sequence, v_entry.rehearsal, 1, v_entry.number, v_entry.number)
      on conflict (run) do update set version = known.version + 1, last = excluded.last;
  end if;
  p_head.number := v_entry.number;
  p_head.hash := v_entry.hash;
  return p_head;
end
$$;

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

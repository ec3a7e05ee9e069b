-- 000001: the ledger. Roles, tables, the one way to append, leases, samples and what may be read.
--
-- Run by src/ledger/migrate.ts inside one transaction, by a role that may create roles and schemas. Everything belongs
-- to evo_owner, who can't log in. evo works as a member of evo_writer, who holds SELECT on views and EXECUTE on
-- functions and no right on any table (invariant 7).
--
-- Errors that callers tell apart, by SQLSTATE: EV001 conflict, EV002 fenced, EV003 bad cause, EV004 append-only,
-- EV005 unfit database.

do $$
declare
  wanted text;
begin
  if current_setting('server_encoding') <> 'UTF8' then
    raise exception 'the database must be encoded in UTF8, not in %', current_setting('server_encoding')
      using errcode = 'EV005';
  end if;
  -- Roles belong to the whole server: another database of it may have made them, or may be making them right now.
  foreach wanted in array array['evo_owner', 'evo_writer', 'evo_reader'] loop
    if not exists (select from pg_roles where rolname = wanted) then
      begin
        execute format('create role %I nologin', wanted);
      exception when duplicate_object or unique_violation then
        null;
      end;
    end if;
    if not (select rolsuper from pg_roles where rolname = current_user) then
      begin
        execute format('grant %I to %I', wanted, current_user);
      exception when insufficient_privilege then
        if not pg_has_role(current_user, wanted, 'usage') then
          raise;
        end if;
      end;
    end if;
  end loop;
end
$$;

create schema evo authorization evo_owner;
set local role evo_owner;

-- What later migrations add is born private, too.
alter default privileges revoke execute on functions from public;

-- ------------------------------------------------------------------------------------------------------------ Tables

create table evo.migrations (
  number integer primary key,
  name text not null,
  sha256 text not null,
  applied timestamptz not null default clock_timestamp(),
  applied_by text not null default session_user
);

-- One row: who this ledger is and how far it has come. Every append locks it, so numbers have no gaps and no twins.
create table evo.head (
  singleton boolean primary key default true check (singleton),
  ledger text not null default gen_random_uuid()::text,
  number bigint not null default 0,
  hash text not null default repeat('0', 64)
);
insert into evo.head default values;

-- The record. body is derived from text, which is what was hashed.
create table evo.entries (
  number bigint primary key check (number > 0),
  time timestamptz not null,
  type text not null check (type ~ '^[a-z]+(-[a-z]+)*\.[a-z]+(-[a-z]+)*$'),
  version integer not null check (version > 0),
  sequence text,
  run text,
  step text,
  operation text,
  stack text,
  rehearsal boolean not null,
  claimed text not null,
  authenticated text not null,
  cause_numbers bigint[] not null,
  cause_hashes text[] not null,
  text text not null,
  body jsonb not null generated always as (text::jsonb) stored,
  previous text not null,
  hash text not null,
  check (cardinality(cause_numbers) = cardinality(cause_hashes)),
  check (jsonb_typeof(body) = 'object')
);
create index entries_run on evo.entries (run, number) where run is not null;
create index entries_sequence on evo.entries (sequence, number) where sequence is not null;
create index entries_stack on evo.entries (stack, number) where stack is not null;
create index entries_type on evo.entries (type, number);
create index entries_time on evo.entries using brin (time);

-- Which client-made append made which entries: a repeat after a lost reply finds them here.
create table evo.appends (
  id text primary key,
  digest text not null,
  first bigint not null,
  last bigint not null
);

-- How many entries each run has, and where it begins and ends: derived from entries, checked by `evo ledger verify`.
create table evo.runs (
  run text primary key,
  sequence text,
  rehearsal boolean not null,
  version bigint not null,
  first bigint not null,
  last bigint not null
);

-- Raw looks. A verdict's entry carries the digest over those that it rests on.
create table evo.samples (
  run text not null,
  gate text not null,
  target text not null,
  number bigint not null,
  began bigint not null,
  text text not null,
  recorded timestamptz not null default clock_timestamp(),
  primary key (run, gate, target, number, began)
);

-- A row is never deleted, so that the token of a resource only ever grows (invariant 4).
create table evo.leases (
  resource text primary key,
  token bigint not null,
  claim text not null,
  holder jsonb not null,
  since timestamptz not null,
  expires timestamptz not null,
  released boolean not null
);

-- ------------------------------------------------------------------------------------- Append-only, also for the owner

create function evo.refuse_change() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  raise exception 'the ledger is append-only: % on evo.% is refused', lower(tg_op), tg_table_name
    using errcode = 'EV004';
end
$$;

create trigger append_only before update or delete or truncate on evo.entries
  for each statement execute function evo.refuse_change();
create trigger append_only before update or delete or truncate on evo.samples
  for each statement execute function evo.refuse_change();
create trigger append_only before update or delete or truncate on evo.appends
  for each statement execute function evo.refuse_change();

-- ---------------------------------------------------------------------------------- The hash (docs/ledger-format.md)

-- These and the helpers of evo.append set no search path, so that Postgres can inline them: where it matters they run
-- under the fixed one of the SECURITY DEFINER function that calls them.

-- ISO 8601 in UTC with microseconds.
create function evo.iso(moment timestamptz) returns text
language sql stable parallel safe as $$
  select to_char(moment at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
$$;

-- `<length in bytes>:<value>,` and `-,` for an absent value: no two lists of fields encode alike.
create function evo.field(value text) returns text
language sql immutable parallel safe as $$
  select case when value is null then '-,' else octet_length(value)::text || ':' || value || ',' end
$$;

-- Version 1 of what is hashed. A new version gets a new first line and a new function; old entries keep theirs.
create function evo.encoding_1(
  ledger text, number bigint, "time" text, type text, version integer, sequence text, run text, step text,
  operation text, stack text, rehearsal boolean, claimed text, authenticated text, cause_numbers bigint[],
  cause_hashes text[], body text, previous text
) returns text
language sql immutable parallel safe as $$
  select 'evo.entry/1' || chr(10)
    || evo.field(ledger) || evo.field(number::text) || evo.field("time") || evo.field(type)
    || evo.field(version::text) || evo.field(sequence) || evo.field(run) || evo.field(step)
    || evo.field(operation) || evo.field(stack)
    || evo.field(case when rehearsal then 'true' else 'false' end)
    || evo.field(claimed) || evo.field(authenticated)
    || evo.field(coalesce((
         select string_agg(evo.field(cause.number::text) || evo.field(cause.hash), '' order by cause.place)
         from unnest(cause_numbers, cause_hashes) with ordinality as cause (number, hash, place)), ''))
    || evo.field(body) || evo.field(previous)
$$;

create function evo.sha256_hex(value text) returns text
language sql immutable parallel safe as $$
  select encode(sha256(convert_to(value, 'UTF8')), 'hex')
$$;

-- ------------------------------------------------------------------------------------------------- What may be read

create view evo.readable_migrations as select number, name, sha256, evo.iso(applied) as applied from evo.migrations;

create view evo.readable_head as select ledger, number, hash from evo.head;

create view evo.readable_entries as
  select head.ledger, entry.number, evo.iso(entry.time) as "time", entry.type, entry.version, entry.sequence, entry.run,
    entry.step, entry.operation, entry.stack, entry.rehearsal, entry.claimed, entry.authenticated,
    entry.cause_numbers, entry.cause_hashes, entry.text, entry.body, entry.previous, entry.hash, entry.time as moment
  from evo.entries as entry cross join evo.head as head;

create view evo.readable_runs as
  select run.run, run.sequence, run.rehearsal, run.version, run.first, run.last,
    evo.iso(opening.time) as started, closing.type as last_type, evo.iso(closing.time) as last_time
  from evo.runs as run
    join evo.entries as opening on opening.number = run.first
    join evo.entries as closing on closing.number = run.last;

create view evo.readable_samples as
  select run, gate, target, number, began, text, evo.iso(recorded) as recorded from evo.samples;

create view evo.readable_leases as
  select resource, token, claim, holder, evo.iso(since) as since, evo.iso(expires) as expires,
    (not released and expires > clock_timestamp()) as live
  from evo.leases;

-- ------------------------------------------------------------------------------------------------------------ Append

-- Refuses a stale token (invariant 4). The share lock keeps a takeover out until the caller's transaction has ended.
-- An expired lease that nobody has taken over is still the newest: its holder may go on.
create function evo.check_leases(p_leases jsonb) returns void
language plpgsql as $$
declare
  v_lease record;
  v_found evo.leases;
begin
  for v_lease in
    select lease.resource, lease.token from jsonb_to_recordset(p_leases) as lease (resource text, token bigint)
    order by lease.resource
  loop
    select * into v_found from evo.leases where resource = v_lease.resource for share;
    if not found or v_found.token is distinct from v_lease.token or v_found.released then
      raise exception 'the lease on % with token % is no longer held', v_lease.resource, v_lease.token
        using errcode = 'EV002', detail = coalesce(v_found.holder::text, '{}');
    end if;
  end loop;
end
$$;

-- The hash of the entry that a cause names: an earlier number, or {"batch": i} for the i-th (from 0) of this append.
-- Unknown and later ones are refused, so causes always point back.
create function evo.resolve_cause(p_cause jsonb, p_first bigint, p_number bigint, out number bigint, out hash text)
language plpgsql stable as $$
begin
  if jsonb_typeof(p_cause) = 'number' and p_cause::bigint < p_first then
    resolve_cause.number := p_cause::bigint;
  elsif jsonb_typeof(p_cause) = 'object' and (p_cause ->> 'batch')::bigint >= 0 then
    resolve_cause.number := p_first + (p_cause ->> 'batch')::bigint;
  end if;
  if resolve_cause.number < p_number then
    select entry.hash into resolve_cause.hash from evo.entries as entry where entry.number = resolve_cause.number;
  end if;
  if resolve_cause.hash is null then
    raise exception 'cause % of entry % is not an earlier entry', p_cause, p_number using errcode = 'EV003';
  end if;
end
$$;

-- Adds one entry at the head. Number, time and hash are made here; the head is moved by evo.append.
create function evo.insert_entry(p_head evo.head, p_first bigint, p_claimed text, p_item jsonb) returns evo.head
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

-- The one way into the record; a call is a transaction's worth. In this order: lock the head; a known append id returns
-- what it made the first time; stale tokens, then an unexpected version, refuse everything; else all entries are added.
create function evo.append(
  p_id text, p_claimed text, p_entries jsonb, p_leases jsonb, p_run text, p_version bigint
) returns setof evo.readable_entries
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_head evo.head;
  v_known evo.appends;
  v_first bigint;
  v_version bigint;
  v_item jsonb;
begin
  select * into strict v_head from evo.head for update;
  select * into v_known from evo.appends where id = p_id;
  if found then
    if v_known.digest <> evo.sha256_hex(p_entries::text) then
      raise exception 'append % was made before, with other entries', p_id using errcode = 'EV001';
    end if;
    return query select * from evo.readable_entries as entry
      where entry.number between v_known.first and v_known.last order by entry.number;
    return;
  end if;
  perform evo.check_leases(p_leases);
  if p_run is not null then
    v_version := coalesce((select known.version from evo.runs as known where known.run = p_run), 0);
    if v_version is distinct from p_version then
      raise exception 'run % has % entries in the ledger, not %', p_run, v_version, p_version using errcode = 'EV001';
    end if;
  end if;
  v_first := v_head.number + 1;
  for v_item in select value from jsonb_array_elements(p_entries) loop
    v_head := evo.insert_entry(v_head, v_first, p_claimed, v_item);
  end loop;
  update evo.head set number = v_head.number, hash = v_head.hash;
  insert into evo.appends (id, digest, first, last)
    values (p_id, evo.sha256_hex(p_entries::text), v_first, v_head.number);
  return query select * from evo.readable_entries as entry
    where entry.number between v_first and v_head.number order by entry.number;
end
$$;

-- Keeps raw looks. A look that is already there is left as it is: a repeat after a lost reply does no harm.
create function evo.record_samples(p_samples jsonb, p_leases jsonb) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform evo.check_leases(p_leases);
  insert into evo.samples (run, gate, target, number, began, text)
    select sample.run, sample.gate, sample.target, sample.number, sample.began, sample.text
    from jsonb_to_recordset(p_samples)
      as sample (run text, gate text, target text, number bigint, began bigint, text text)
    on conflict do nothing;
end
$$;

-- ------------------------------------------------------------------------------------------------------------ Leases

-- Takes a free, released or expired lease with the next token; else answers with the present holder, whose claim tells
-- the caller that it isn't theirs. p_claim is made by the client for one logical call: a repeat finds its own lease.
create function evo.acquire_lease(p_resource text, p_claim text, p_holder jsonb, p_ttl_ms bigint)
returns setof evo.readable_leases
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_lease evo.leases;
  v_now timestamptz;
begin
  insert into evo.leases (resource, token, claim, holder, since, expires, released)
    values (p_resource, 0, '', '{}', clock_timestamp(), clock_timestamp(), true) on conflict do nothing;
  select * into strict v_lease from evo.leases where resource = p_resource for update;
  v_now := clock_timestamp();
  if v_lease.released or (v_lease.expires <= v_now and v_lease.claim <> p_claim) then
    update evo.leases set token = token + 1, claim = p_claim, holder = p_holder, since = v_now,
        expires = v_now + p_ttl_ms * interval '1 millisecond', released = false
      where resource = p_resource;
  end if;
  return query select * from evo.readable_leases as lease where lease.resource = p_resource;
end
$$;

-- Prolongs a lease that is still the newest; false means that it was taken over or given back.
create function evo.renew_lease(p_resource text, p_token bigint, p_ttl_ms bigint) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  update evo.leases set expires = clock_timestamp() + p_ttl_ms * interval '1 millisecond'
    where resource = p_resource and token = p_token and not released;
  return found;
end
$$;

-- Gives a lease back. A stale one is left alone: it is somebody else's by now.
create function evo.release_lease(p_resource text, p_token bigint) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  update evo.leases set released = true where resource = p_resource and token = p_token;
end
$$;

-- ------------------------------------------------------------------------------------------------------------ Rights

revoke all on all functions in schema evo from public;
grant usage on schema evo to evo_writer, evo_reader;
grant select on evo.readable_migrations, evo.readable_head, evo.readable_entries, evo.readable_runs,
  evo.readable_samples, evo.readable_leases to evo_writer, evo_reader;
-- Views compute with these as their reader.
grant execute on function evo.iso(timestamptz), evo.field(text), evo.sha256_hex(text),
  evo.encoding_1(text, bigint, text, text, integer, text, text, text, text, text, boolean, text, text, bigint[], text[],
    text, text)
  to evo_writer, evo_reader;
grant execute on function evo.append(text, text, jsonb, jsonb, text, bigint), evo.record_samples(jsonb, jsonb),
  evo.acquire_lease(text, text, jsonb, bigint), evo.renew_lease(text, bigint, bigint),
  evo.release_lease(text, bigint)
  to evo_writer;

reset role;

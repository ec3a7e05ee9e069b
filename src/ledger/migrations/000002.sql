-- 000002: an expired lease is not free. Its holder may be alive and slow, or alive on a machine that can't be seen from
-- here. Whoever takes it over has proof of that holder's death or a person's word, and names the token that it saw: of
-- two who take over at once, one does (invariant 4).

set local role evo_owner;

create or replace view evo.readable_leases as
  select resource, token, claim, holder, evo.iso(since) as since, evo.iso(expires) as expires,
    (not released and expires > clock_timestamp()) as live, released
  from evo.leases;

-- Takes a free or released lease with the next token; else answers with the present holder, whose claim tells the
-- caller that it isn't theirs. p_claim is made by the client for one logical call: a repeat finds its own lease.
create or replace function evo.acquire_lease(p_resource text, p_claim text, p_holder jsonb, p_ttl_ms bigint)
returns setof evo.readable_leases
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_lease evo.leases;
begin
  insert into evo.leases (resource, token, claim, holder, since, expires, released)
    values (p_resource, 0, '', '{}', clock_timestamp(), clock_timestamp(), true) on conflict do nothing;
  select * into strict v_lease from evo.leases where resource = p_resource for update;
  if v_lease.released then
    perform evo.give_lease(p_resource, p_claim, p_holder, p_ttl_ms);
  end if;
  return query select * from evo.readable_leases as lease where lease.resource = p_resource;
end
$$;

-- Takes a lease from the holder of p_token, whether it has expired or not. Anybody else's is left alone.
create function evo.take_over_lease(p_resource text, p_token bigint, p_claim text, p_holder jsonb, p_ttl_ms bigint)
returns setof evo.readable_leases
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_lease evo.leases;
begin
  select * into v_lease from evo.leases where resource = p_resource for update;
  if found and v_lease.token = p_token and not v_lease.released then
    perform evo.give_lease(p_resource, p_claim, p_holder, p_ttl_ms);
  end if;
  return query select * from evo.readable_leases as lease where lease.resource = p_resource;
end
$$;

create function evo.give_lease(p_resource text, p_claim text, p_holder jsonb, p_ttl_ms bigint) returns void
language sql as $$
  update evo.leases set token = token + 1, claim = p_claim, holder = p_holder, since = clock_timestamp(),
      expires = clock_timestamp() + p_ttl_ms * interval '1 millisecond', released = false
    where resource = p_resource
$$;

revoke all on function evo.take_over_lease(text, bigint, text, jsonb, bigint),
  evo.give_lease(text, text, jsonb, bigint) from public;
grant execute on function evo.take_over_lease(text, bigint, text, jsonb, bigint) to evo_writer;
reset role;

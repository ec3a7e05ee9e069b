-- 000005: what evo asks for needs no role; what people answer does.
--
-- `approval.requested` is written by whoever drives a run: it says what an approval would be for, and decides nothing.

set local role evo_owner;

create or replace function evo.role_for(type text, body text) returns name
language sql immutable parallel safe as $$
  select case
    when type = 'operation.settled' then 'evo_operator'
    when type = 'approval.requested' then null
    when type in ('ledger.replaced') or type like 'acknowledgment.%' or type like 'approval.%'
      or type like 'override.%' or type like '%.overridden' then 'evo_approver'
    -- Going on with other code than was recorded is an override (invariant 6).
    when type = 'run.resumed' and (body::jsonb ->> 'acceptChangedCode')::boolean then 'evo_approver'
  end::name
$$;

reset role;

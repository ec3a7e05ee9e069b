/** The schema as the catalog tells it, compared to `schema.txt`; `vitest -u` writes that file anew. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { query, type TestServer, testServer } from "../support/postgres.js";

let server: TestServer;

beforeAll(async () => {
  server = await testServer();
});
afterAll(() => server?.close());

/** Each gives lines of text; together they say everything that a migration can change. */
const QUERIES: { readonly [title: string]: string } = {
  Columns: `select format('%s.%s %s%s%s', c.relname, a.attname, format_type(a.atttypid, a.atttypmod),
      case when a.attnotnull then ' not null' else '' end,
      coalesce(case when a.attgenerated = 's' then ' generated ' else ' default ' end || pg_get_expr(d.adbin, d.adrelid), ''))
    from pg_attribute a join pg_class c on c.oid = a.attrelid
      left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
    where c.relnamespace = 'evo'::regnamespace and c.relkind in ('r', 'v') and a.attnum > 0
    order by c.relname, a.attnum`,
  Constraints: `select format('%s %s', conrelid::regclass, pg_get_constraintdef(oid)) from pg_constraint
    where connamespace = 'evo'::regnamespace and contype <> 'n' order by 1`,
  Indexes: `select indexdef from pg_indexes where schemaname = 'evo' order by 1`,
  Triggers: `select pg_get_triggerdef(oid) from pg_trigger where not tgisinternal order by 1`,
  Views: `select format('%s: %s', viewname, definition) from pg_views where schemaname = 'evo' order by 1`,
  Functions: `select pg_get_functiondef(oid) from pg_proc where pronamespace = 'evo'::regnamespace order by proname`,
  Rights: `select format('%s %s', coalesce(relname, proname, nspname), acl) from (
      select relname, null::name as proname, null::name as nspname, unnest(relacl) as acl from pg_class
        where relnamespace = 'evo'::regnamespace
      union all select null, proname, null, unnest(proacl) from pg_proc where pronamespace = 'evo'::regnamespace
      union all select null, null, nspname, unnest(nspacl) from pg_namespace where nspname = 'evo') as rights
    order by 1`,
  Owners: `select format('%s %s', relname, relowner::regrole) from pg_class
    where relnamespace = 'evo'::regnamespace and relkind in ('r', 'v') order by 1`,
};

it("is the recorded schema", async () => {
  const database = await server.fresh();
  const parts: string[] = [];
  for (const [title, sql] of Object.entries(QUERIES)) {
    const rows = await query<{ [column: string]: string }>(database.superuser, sql);
    parts.push(`== ${title}`, ...rows.map((row) => Object.values(row).join(" ")), "");
  }
  await expect(parts.join("\n")).toMatchFileSnapshot("schema.txt");
});

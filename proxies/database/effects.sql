-- What the database proxy needs in the database it works on, besides a role of its own that may do only what the declared
-- operations do: one table for the records of its effects, which commit together with the effects.

create schema silo;
create table silo.effects (
  key       text primary key,
  epoch     bigint not null,
  arguments text not null,
  state     text not null check (state in ('open', 'void', 'done')),
  result    json,
  changed   timestamptz not null default now()
);
grant usage on schema silo to "silo-database";
grant select, insert, update on silo.effects to "silo-database";

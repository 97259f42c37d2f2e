-- The shop: an outside system with data of its own, and what the database proxy's role may do in it.

create role "silo-database" login nosuperuser nocreatedb nocreaterole noinherit nobypassrls;
alter role "silo-database" set search_path = pg_catalog;
revoke all on database shop from public;
revoke all on schema public from public;
grant connect on database shop to "silo-database";

create schema shop;

create table shop.customers (
  id      text primary key,
  name    text not null,
  email   text not null unique check (email like '%_@_%'),
  phone   text not null,
  address text not null,
  since   date not null
);

-- Money is in minor units: 24750 is 247.50 USD.
create table shop.orders (
  id       text primary key,
  customer text not null references shop.customers,
  item     text not null,
  amount   bigint not null check (amount > 0),
  currency text not null check (currency = 'USD'),
  refunded bigint not null default 0 check (refunded between 0 and amount),
  status   text not null check (status in ('paid', 'shipped', 'delivered', 'returned')),
  ordered  date not null,
  unique (id, customer)
);
create index on shop.orders (customer, ordered desc);

create sequence shop.refund_number;
create table shop.refunds (
  id       text primary key default 'R' || lpad(nextval('shop.refund_number')::text, 6, '0'),
  order_id text not null,
  customer text not null,
  amount   bigint not null check (amount > 0),
  currency text not null,
  reason   text not null,
  created  timestamptz not null default now(),
  foreign key (order_id, customer) references shop.orders (id, customer)
);

-- What the proxy can see is the customer its transaction names, and nothing where it names none.
alter table shop.customers enable row level security;
alter table shop.orders enable row level security;
alter table shop.refunds enable row level security;
create policy own on shop.customers to "silo-database"
  using (id = current_setting('silo.customer', true)) with check (id = current_setting('silo.customer', true));
create policy own on shop.orders to "silo-database"
  using (customer = current_setting('silo.customer', true)) with check (customer = current_setting('silo.customer', true));
create policy own on shop.refunds to "silo-database"
  using (customer = current_setting('silo.customer', true)) with check (customer = current_setting('silo.customer', true));

grant usage on schema shop to "silo-database";
grant select, update (email) on shop.customers to "silo-database";
grant select, update (refunded) on shop.orders to "silo-database";
grant select (id, order_id, customer, amount, currency), insert (order_id, customer, amount, currency, reason)
  on shop.refunds to "silo-database";
grant usage on sequence shop.refund_number to "silo-database";

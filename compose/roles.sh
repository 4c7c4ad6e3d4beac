#!/bin/sh
# Two roles and one database, made once, while the database's volume is empty (docs/operations.md).
set -eu
psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --username="${POSTGRES_USER:-postgres}" <<'SQL'
\set owner `cat "${MOTLAN_PASSWORDS:-/run/secrets}/owner-password"`
\set app `cat "${MOTLAN_PASSWORDS:-/run/secrets}/app-password"`
CREATE ROLE motlan_owner LOGIN PASSWORD :'owner';
CREATE ROLE motlan_app LOGIN PASSWORD :'app';
CREATE DATABASE motlan OWNER motlan_owner;
\connect motlan
REVOKE ALL ON DATABASE motlan FROM PUBLIC;
GRANT CONNECT ON DATABASE motlan TO motlan_app;
SQL

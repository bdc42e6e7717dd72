#!/bin/sh
# Creates a database per service, with two roles: the owner, which migrates, and the runtime role, which may only read and write
# rows. No other role has access. Run by the job `databases` at every start: existing databases are kept, changed passwords are
# updated, and a new service gets its database.
set -eu

password() {
    [ -s "/run/secrets/$1" ] || { echo "databases: the secret $1 is missing or empty" >&2; exit 1; }
    cat "/run/secrets/$1"
}

PGPASSWORD=$(password postgres_admin)
export PGPASSWORD PGUSER=postgres PGDATABASE=postgres PGOPTIONS='-c log_min_error_statement=panic -c client_min_messages=warning'

psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 <<SQL
REVOKE CONNECT, TEMPORARY ON DATABASE postgres FROM PUBLIC;
REVOKE CONNECT, TEMPORARY ON DATABASE template1 FROM PUBLIC;
SQL

for service in catalogue initiator registry executor feedback repair; do
    # psql reads the passwords from files: an argument could be listed by others.
    OWNER=$(password "${service}_owner") WORKS=$(password "${service}_database")
    export OWNER WORKS
    psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --set service="$service" \
        --set owner="${service}_owner" --set database="liandong_$service" --file /databases/service.sql
done
echo "databases: they stand"

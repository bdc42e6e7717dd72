#!/bin/sh
# A database for every service, and two roles for it: the owner, who migrates, and the one that works, who may read and write
# rows and no more. Nobody else gets in. Run by the job `databases` at every start: what is there stays, a password that
# changed is set anew, a service that was added gets its database.
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
    # Passwords reach psql by its own reading of a file: never in an argument that others could list.
    OWNER=$(password "${service}_owner") WORKS=$(password "${service}_database")
    export OWNER WORKS
    psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --set service="$service" \
        --set owner="${service}_owner" --set database="liandong_$service" --file /databases/service.sql
done
echo "databases: they stand"

-- One service: its roles, its database, and what its working role may do there. Safe to repeat.
\getenv owner_password OWNER
\getenv password WORKS

SELECT format('CREATE ROLE %I', role) FROM unnest(ARRAY[:'owner', :'service']) AS role
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role) \gexec
ALTER ROLE :"owner" LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD :'owner_password';
ALTER ROLE :"service" LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD :'password';

-- In PostgreSQL's own locale, whatever the server's: ids are sorted alike everywhere, and as the services sort them.
SELECT format(
    'CREATE DATABASE %I OWNER %I ENCODING ''UTF8'' LOCALE ''C'' LOCALE_PROVIDER builtin BUILTIN_LOCALE ''C.UTF-8'' TEMPLATE template0',
    :'database', :'owner'
)
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'database') \gexec
REVOKE ALL ON DATABASE :"database" FROM PUBLIC;
GRANT CONNECT ON DATABASE :"database" TO :"service";
-- What the operator makes here (a rebuild, a restore) is the owner's, like what a migration makes.
ALTER DATABASE :"database" OWNER TO :"owner";
ALTER ROLE CURRENT_USER IN DATABASE :"database" SET role = :'owner';

\connect :"database"
-- Tables are the owner's; the working role gets their rows, also of tables to come, in whatever schema they are made: a rebuild
-- makes its tables beside the live ones and moves them here when they are full.
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT ALL ON SCHEMA public TO :"owner";
GRANT USAGE ON SCHEMA public TO :"service";
ALTER DEFAULT PRIVILEGES FOR ROLE :"owner" GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO :"service";
ALTER DEFAULT PRIVILEGES FOR ROLE :"owner" GRANT USAGE ON SEQUENCES TO :"service";

-- One service: its roles, its database, and the rights of its runtime role. Idempotent.
\getenv owner_password OWNER
\getenv password WORKS

SELECT format('CREATE ROLE %I', role) FROM unnest(ARRAY[:'owner', :'service']) AS role
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role) \gexec
ALTER ROLE :"owner" LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD :'owner_password';
ALTER ROLE :"service" LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD :'password';

-- PostgreSQL's builtin locale, independent of the server: ids are sorted alike everywhere, and as in the services.
SELECT format(
    'CREATE DATABASE %I OWNER %I ENCODING ''UTF8'' LOCALE ''C'' LOCALE_PROVIDER builtin BUILTIN_LOCALE ''C.UTF-8'' TEMPLATE template0',
    :'database', :'owner'
)
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'database') \gexec
REVOKE ALL ON DATABASE :"database" FROM PUBLIC;
GRANT CONNECT ON DATABASE :"database" TO :"service";
-- Objects that the operator creates here (a rebuild, a restore) belong to the owner, like those of a migration.
ALTER DATABASE :"database" OWNER TO :"owner";
ALTER ROLE CURRENT_USER IN DATABASE :"database" SET role = :'owner';

\connect :"database"
-- Tables belong to the owner; the runtime role may access their rows, also of future tables in any schema: a rebuild creates its
-- tables beside the live ones, in another schema, and moves them here when they are complete.
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT ALL ON SCHEMA public TO :"owner";
GRANT USAGE ON SCHEMA public TO :"service";
ALTER DEFAULT PRIVILEGES FOR ROLE :"owner" GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO :"service";
ALTER DEFAULT PRIVILEGES FOR ROLE :"owner" GRANT USAGE ON SEQUENCES TO :"service";
